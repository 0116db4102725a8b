/**
 * How this program was made. A build puts a file of its own in the place of this one
 * (`deploy/build/bundle.ts`); as it stands, it is true of a program that runs from its source.
 *
 * @module
 */

/** What a build knows about itself. */
export interface BuildFacts {
  /** The commit it was made of, shortened; "-dirty" behind it when files differed from it. */
  readonly commit: string;
  readonly kind: "self-contained" | "compiled";
}

/** Absent from source. */
export const buildFacts: BuildFacts | undefined = undefined;
