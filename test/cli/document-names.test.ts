import { expect, test } from "vitest";
import { DocumentNames } from "../../src/cli/query/document-names.ts";

test.each([
  ["orders", "orders.json"],
  ["a/b\\c d\te", "a-b-c-d-e.json"],
  ["Ä_1.2-x", "Ä_1.2-x.json"],
  ["a:b*c?", "a_b_c.json"],
  ["../../etc/passwd", "etc-passwd.json"],
  [".hidden-", "hidden.json"],
  ["-._", "doc.json"],
  ["", "doc.json"],
])("the file of %j is %s", (key, name) => {
  expect(new DocumentNames().next(key)).toBe(name);
});

test("34: no name is given twice", () => {
  const names = new DocumentNames();
  const given = ["a-b", "a/b", "a-b-1", "a b", "a-b"].map((key) => names.next(key));
  expect(given).toEqual(["a-b.json", "a-b-1.json", "a-b-1-1.json", "a-b-2.json", "a-b-3.json"]);
});
