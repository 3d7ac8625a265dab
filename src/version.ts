/** The version of onggi. A constant, because package.json is not beside a compiled executable; a test compares both. */
export const version = '0.1.0';
