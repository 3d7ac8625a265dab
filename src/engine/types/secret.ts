export type SecretOptions = {
  readonly labels?: Readonly<Record<string, string>>;
  /** Kept as they are: the driver "file" has none that mean something. */
  readonly driverOptions?: Readonly<Record<string, string>>;
  /** One of that name that is there gives way. */
  readonly replace?: boolean;
};

/** A secret without its content. */
export type SecretSummary = {
  /** 25 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly updated: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly driverOptions: Readonly<Record<string, string>>;
};

/** A secret that a container gets: what it contains when the container is made. */
export type SecretUse =
  | {
      readonly type: 'mount';
      /** Name, or id, or the beginning of an id. */
      readonly secret: string;
      /** In /run/secrets, if it is not absolute; absent: the name. */
      readonly target?: string;
      readonly uid: number;
      readonly gid: number;
      readonly mode: number;
    }
  | {
      readonly type: 'env';
      readonly secret: string;
      /** Name of the variable; absent: that of the secret. */
      readonly target?: string;
    };
