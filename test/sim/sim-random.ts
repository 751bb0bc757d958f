import type { Random } from "../../src/engine/ports/random.ts";
import type { Rng } from "./rng.ts";

const digits = "0123456789abcdefghijklmnopqrstuv";

/** Seeded randomness of one life of a node; ids carry a prefix that no other life has. */
export function simRandom(rng: Rng, prefix: number): Random {
  let count = 0;
  const head = prefix.toString(32).padStart(5, "0");
  return {
    fraction: () => rng.fraction(),
    xid: () => {
      count += 1;
      let salt = "";
      for (let i = 0; i < 6; i += 1) salt += digits.charAt(rng.below(32));
      return `${head}${count.toString(32).padStart(8, "0")}${salt}g`;
    },
    uuid: () => {
      count += 1;
      const node = prefix.toString(16).padStart(4, "0").slice(-4);
      return `00000000-0000-7000-8000-${node}${count.toString(16).padStart(8, "0")}`;
    },
  };
}
