import { type Key, useInput } from "ink";
import type { ReactNode } from "react";
import type { KeyPress } from "../view-model/events.ts";

export interface KeyListenerProps {
  readonly onPress: (press: KeyPress) => void;
  readonly children: ReactNode;
}

/** Hands on every key press, whatever the terminal sent for it. */
export function KeyListener({ onPress, children }: KeyListenerProps) {
  useInput((input, key) => {
    for (const press of keyPresses(input, key)) onPress(press);
  });
  return <>{children}</>;
}

const named: readonly (readonly [keyof Key, KeyPress["name"]])[] = [
  ["upArrow", "up"],
  ["downArrow", "down"],
  ["leftArrow", "left"],
  ["rightArrow", "right"],
  ["pageUp", "pageUp"],
  ["pageDown", "pageDown"],
  ["home", "home"],
  ["end", "end"],
  ["return", "enter"],
  ["escape", "escape"],
  ["backspace", "backspace"],
  ["delete", "backspace"],
];

/** Escape and a character that follow each other closely look like one key with Alt. */
export function keyPresses(input: string, key: Key): readonly KeyPress[] {
  const bare = (name: KeyPress["name"]): readonly KeyPress[] => [{ name, text: "" }];
  if (key.ctrl && input === "c") return bare("interrupt");
  if (key.tab) return bare(key.shift ? "backTab" : "tab");
  for (const [flag, name] of named) if (key[flag] === true) return bare(name);
  if (key.ctrl && input === "f") return bare("pageDown");
  if (key.ctrl && input === "b") return bare("pageUp");
  if (key.ctrl || input === "") return [];
  const character: KeyPress = { name: "character", text: input };
  return key.meta ? [...bare("escape"), character] : [character];
}
