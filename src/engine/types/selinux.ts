/** Words of `--security-opt label=…`, for what SELinux knows a container by. */
export type LabelOptions = {
  /** The process keeps the label of whoever starts it. */
  readonly disable?: boolean;
  readonly user?: string;
  readonly role?: string;
  readonly type?: string;
  readonly level?: string;
  /** Type of its files, in place of container_file_t. */
  readonly filetype?: string;
};

/** Labels of a container: "USER:ROLE:TYPE:LEVEL". */
export type SelinuxLabels = {
  /** Of its processes; "" for none. */
  readonly process: string;
  /** Of its files. */
  readonly mount: string;
};
