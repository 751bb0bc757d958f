/** Everything the client promises, once more over Node's own HTTP client. */
import { useHttpLibrary } from "./http-fixture.ts";

useHttpLibrary("node");
await import("./http-acquire.test.ts");
await import("./http-failover.test.ts");
await import("./http-reads.test.ts");
