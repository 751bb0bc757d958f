/** All cases of queues (http-queue.md section 18) that speak about behaviour, not about framing. */
import { dequeueCases, enqueueCases, observerCases } from "./queue-delivery-cases.ts";
import { deadLetterCases, settleCases } from "./queue-settle-cases.ts";
import { extensionCases, stateCases, subscribeCases } from "./queue-state-cases.ts";

export const queueCases = [
  enqueueCases,
  dequeueCases,
  observerCases,
  settleCases,
  deadLetterCases,
  subscribeCases,
  stateCases,
  extensionCases,
];
