/**
 * What an `oidc-provider` remembers, in memory: its own store warns about itself on every start.
 *
 * @module
 */

type Remembered = {
  readonly [name: string]: unknown;
  readonly uid?: string;
  readonly userCode?: string;
};

/** One for each kind of thing, made by the provider. */
export class OidcStore {
  readonly #records = new Map<string, Remembered>();

  upsert(id: string, record: Remembered): Promise<void> {
    this.#records.set(id, record);
    return Promise.resolve();
  }

  find(id: string): Promise<Remembered | undefined> {
    return Promise.resolve(this.#records.get(id));
  }

  findByUserCode(userCode: string): Promise<Remembered | undefined> {
    return Promise.resolve(this.#first((record) => record.userCode === userCode));
  }

  findByUid(uid: string): Promise<Remembered | undefined> {
    return Promise.resolve(this.#first((record) => record.uid === uid));
  }

  consume(id: string): Promise<void> {
    const record = this.#records.get(id);
    if (record !== undefined) this.#records.set(id, { ...record, consumed: Date.now() / 1000 });
    return Promise.resolve();
  }

  destroy(id: string): Promise<void> {
    this.#records.delete(id);
    return Promise.resolve();
  }

  revokeByGrantId(grantId: string): Promise<void> {
    for (const [id, record] of this.#records) {
      if (record["grantId"] === grantId) this.#records.delete(id);
    }
    return Promise.resolve();
  }

  #first(isWanted: (record: Remembered) => boolean): Remembered | undefined {
    return [...this.#records.values()].find(isWanted);
  }
}
