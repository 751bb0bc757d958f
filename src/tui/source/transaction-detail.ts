/** The story of a transaction. */
import type { Transactions } from "../../api/transactions.ts";
import type { Detail, Subject } from "./dashboard-source.ts";

type TransactionSubject = Subject & { readonly kind: "transaction" };

export async function transactionDetail(
  transactions: Transactions,
  { txnId }: TransactionSubject,
  signal: AbortSignal,
): Promise<Detail> {
  const story = await transactions.explain({ txnId }, { signal });
  const time = (unixSeconds: number | undefined): string =>
    unixSeconds === undefined ? "-" : `${new Date(unixSeconds * 1000).toISOString().slice(0, 19)}Z`;
  return {
    facts: [
      ["state", `${story.state}, ${story.record}`],
      ["created", time(story.createdAtUnix)],
      ["decided", time(story.decidedAtUnix)],
      [story.state === "pending" ? "deadline" : "remembered", time(story.expiresAtUnix)],
      ["term", String(story.tcTerm)],
    ],
    heading: "story",
    lines: [
      ...story.story,
      "",
      ...story.participants.map(({ namespace, key, applied, now, owner }) => {
        const by = owner === undefined ? "" : `, held by ${owner}`;
        return `${namespace}/${key}  ${applied ? "applied" : "not applied"}  ${now}${by}`;
      }),
    ],
  };
}
