import type Database from "better-sqlite3";
import type { PathBook, PathLookup } from "../engine/query/index/path-book.ts";

/** Paths kept in memory by a writer or a reader; beyond it they are read again. */
const knownPathsMax = 50_000;

/** The parent of every namespace's root. */
const noPath = 0;

/** The path dictionary, as a writer uses it; ids are never given out twice. */
export class StoredPathBook implements PathBook {
  readonly #known = new Map<string, number>();
  readonly #find: Database.Statement<unknown[], { id: number }>;
  readonly #insert: Database.Statement;

  constructor(db: Database.Database) {
    this.#find = db.prepare("SELECT id FROM paths WHERE parent = ? AND step = ?");
    this.#insert = db.prepare("INSERT INTO paths(parent, step) VALUES(?, ?)");
  }

  /** The root of a namespace. */
  root(namespace: string): number {
    return this.child(noPath, namespace);
  }

  child(path: number, step: string): number {
    const name = `${path} ${step}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const found = this.#find.get(path, step);
    const id = found?.id ?? Number(this.#insert.run(path, step).lastInsertRowid);
    if (this.#known.size >= knownPathsMax) this.#known.clear();
    this.#known.set(name, id);
    return id;
  }

  /** After a rollback: ids that were just given out may be given out again. */
  forget(): void {
    this.#known.clear();
  }
}

/** The path dictionary, as a reader uses it: what was once committed to a file stays in it. */
export class StoredPathLookup implements PathLookup {
  readonly #known = new Map<string, number>();
  readonly #find: Database.Statement<unknown[], number>;
  readonly #children: Database.Statement<unknown[], { step: string; id: number }>;

  constructor(db: Database.Database) {
    this.#find = db.prepare("SELECT id FROM paths WHERE parent = ? AND step = ?");
    this.#find.pluck();
    this.#children = db.prepare("SELECT step, id FROM paths WHERE parent = ? LIMIT ?");
  }

  find(path: number, step: string): number | undefined {
    const name = `${path} ${step}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const id = this.#find.get(path, step);
    if (id === undefined) return undefined;
    if (this.#known.size >= knownPathsMax) this.#known.clear();
    this.#known.set(name, id);
    return id;
  }

  children(path: number, limit: number): { step: string; id: number }[] | undefined {
    const children = this.#children.all(path, limit + 1);
    return children.length > limit ? undefined : children;
  }
}
