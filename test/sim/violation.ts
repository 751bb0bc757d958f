/** What a checker found: which promise was broken, where, and the operations that show it. */
export interface Violation {
  /** Id of design/reliability.md section 3, or a short name. */
  readonly property: string;
  readonly key: string;
  readonly text: string;
  readonly atMs: number;
}
