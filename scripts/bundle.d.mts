export interface BundleOptions {
  /** Default: `dist`. */
  readonly outdir?: string;
  /** What the programs say is their version. Default: the package's. */
  readonly version?: string;
}

export declare const APART: Readonly<Record<string, string>>;
export declare function bundle(entryPoints: Readonly<Record<string, string>>, options?: BundleOptions): Promise<void>;
