/** The JSON that docs/cli shows is what the built program prints. */
import { expect, test } from "vitest";
import { recordJsonForms, savedJsonForms } from "../../scripts/recording/json-forms.ts";
import { sessionMsMax } from "../../scripts/recording/shell-session.ts";

test(
  "every form is what its command prints now (npm run docs)",
  () => {
    expect(recordJsonForms(), "run `npm run build && npm run docs`").toEqual(savedJsonForms());
  },
  sessionMsMax,
);
