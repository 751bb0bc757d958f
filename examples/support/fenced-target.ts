/**
 * Stands for the thing your jobs write to: a database that knows fencing tokens. It takes a write
 * when its token is at least as high as any it has seen, and refuses it otherwise; the comparison
 * and the write are one transaction of the database. A column and a condition are all it takes.
 *
 *   node fenced-target.ts append FILE RESOURCE TOKEN TEXT
 *   node fenced-target.ts put FILE KEY TOKEN TEXT
 *   node fenced-target.ts show FILE
 */
import Database from "better-sqlite3";

export interface Written {
  /** What was written to: its tokens only go up. */
  readonly resource: string;
  readonly token: number;
  readonly text: string;
}

export class StaleToken extends Error {}

export class FencedTarget implements Disposable {
  readonly #db: Database.Database;

  constructor(file: string) {
    this.#db = new Database(file, { timeout: 30_000 });
    this.#db.exec(
      "CREATE TABLE IF NOT EXISTS writes" +
        " (n INTEGER PRIMARY KEY, resource TEXT, token INTEGER, text TEXT)",
    );
  }

  /** Adds all texts or none. @throws StaleToken when somebody came later, and was here */
  append(resource: string, token: number, ...texts: readonly string[]): void {
    const write = this.#db.transaction(() => {
      const highest = this.#highest(resource);
      if (token < highest) {
        throw new StaleToken(`${resource}: token ${token} is old, ${highest} was here`);
      }
      const insert = this.#db.prepare(
        "INSERT INTO writes (resource, token, text) VALUES (?, ?, ?)",
      );
      for (const text of texts) insert.run(resource, token, text);
    });
    write.immediate();
  }

  /** Replaces what the resource holds, so that writing twice is writing once. @throws StaleToken */
  put(resource: string, token: number, text: string): void {
    const write = this.#db.transaction(() => {
      const highest = this.#highest(resource);
      if (token < highest) {
        throw new StaleToken(`${resource}: token ${token} is old, ${highest} was here`);
      }
      this.#db.prepare("DELETE FROM writes WHERE resource = ?").run(resource);
      this.append(resource, token, text);
    });
    write.immediate();
  }

  /** Everything that is there, in the order in which it was written. */
  written(): Written[] {
    return this.#db
      .prepare("SELECT resource, token, text FROM writes ORDER BY n")
      .all() as Written[];
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  #highest(resource: string): number {
    const query = this.#db.prepare("SELECT max(token) FROM writes WHERE resource = ?").pluck();
    return (query.get(resource) as number | null) ?? 0;
  }
}

function main([verb = "", file = "", resource = "", token = "", text = ""]: string[]): void {
  using target = new FencedTarget(file);
  if (verb === "append") target.append(resource, Number(token), text);
  else if (verb === "put") target.put(resource, Number(token), text);
  else for (const one of target.written()) console.log(one.resource, one.token, one.text);
}

if (process.argv[1] === import.meta.filename) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof StaleToken)) throw error;
    console.error(`refused: ${error.message}`);
    process.exitCode = 1;
  }
}
