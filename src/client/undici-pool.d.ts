// The pool alone loads in a third of the time of the whole library, which has no typed path to it.
declare module "undici/lib/dispatcher/pool.js" {
  import type { Pool } from "undici";

  const pool: typeof Pool;
  export default pool;
}
