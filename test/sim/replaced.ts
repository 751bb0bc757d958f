/** Puts another method in place of one, until it is put back. */
export function replaced<Class extends object, Name extends keyof Class>(
  prototype: Class,
  name: Name,
  other: (original: Class[Name]) => Class[Name],
): () => void {
  const original = prototype[name];
  prototype[name] = other(original);
  return () => {
    prototype[name] = original;
  };
}
