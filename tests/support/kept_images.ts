/**
 * Where the images that most tests with podman want are kept from one test module to the next.
 *
 * @module
 */

/** The variable that names the folder; without it each module makes its own. */
export const keptImagesVariable = "MCP_TEST_IMAGES";

/** What is in the folder besides the registry's own files. */
export interface KeptImages {
  /** Of the registry, which every module starts anew; names of images begin with it. */
  readonly address: string;
  readonly base: string;
  readonly web: { readonly v1: string; readonly v2: string };
  readonly clock: string;
}

/** The folder, if there is one. */
export function keptImagesFolder(): string | undefined {
  return Deno.env.get(keptImagesVariable);
}

/** What an earlier module has left there. */
export async function readKeptImages(folder: string): Promise<KeptImages | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(`${folder}/images.json`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Leaves it there for the next module. */
export async function keepImages(folder: string, images: KeptImages): Promise<void> {
  await Deno.writeTextFile(`${folder}/images.json`, JSON.stringify(images));
}

/** A port that nobody is given who asks for any: it is taken again by the next module. */
export function lastingPort(): number {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 10_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
