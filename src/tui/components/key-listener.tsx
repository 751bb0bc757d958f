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
    const press = keyPress(input, key);
    if (press !== undefined) onPress(press);
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

export function keyPress(input: string, key: Key): KeyPress | undefined {
  if (key.ctrl && input === "c") return { name: "interrupt", text: "" };
  if (key.tab) return { name: key.shift ? "backTab" : "tab", text: "" };
  for (const [flag, name] of named) if (key[flag] === true) return { name, text: "" };
  if (key.ctrl && (input === "f" || input === "b")) {
    return { name: input === "f" ? "pageDown" : "pageUp", text: "" };
  }
  if (key.ctrl || key.meta || input === "") return undefined;
  return { name: "character", text: input };
}
