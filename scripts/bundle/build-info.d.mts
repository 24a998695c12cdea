export interface Source {
  readonly branch: string;
  readonly revision: string;
}

export interface BuildInfo extends Source {
  readonly version: string;
  readonly date?: string;
}

export declare function buildInfo(
  version?: string,
  environment?: Readonly<Record<string, string | undefined>>,
): BuildInfo;
export declare function sourceOf(folder: string): Source;
