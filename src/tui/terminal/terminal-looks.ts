/** What the terminal can show, by the environment it announces itself with. */

export interface TerminalLooks {
  readonly hasColour: boolean;
  readonly hasUnicode: boolean;
  readonly isSpoken: boolean;
}

/** `NO_COLOR` set to anything but nothing takes all colour away (no-color.org). */
export function terminalLooks(env: NodeJS.ProcessEnv, isSpoken = false): TerminalLooks {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || "";
  const isPlain = env.TERM === "dumb" || env.TERM === "linux";
  return {
    hasColour: (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb",
    // Without a locale most terminals of today are UTF-8 all the same; with one, it is believed.
    hasUnicode: !isPlain && (locale === "" || /utf-?8/i.test(locale)),
    isSpoken: isSpoken || env.INK_SCREEN_READER === "true",
  };
}
