/**
 * The form of an entry of the error registry, and makers of the usual ones. The families of codes
 * are in files of their own; `error-registry.ts` puts them together.
 */

/** Exit codes of the command line (cli.md section 5), a stable contract. */
export const exitCodes = {
  ok: 0,
  error: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  wouldBlock: 5,
  leaseLost: 6,
  denied: 7,
  unavailable: 8,
  throttled: 9,
  timeout: 10,
  verifyFailed: 11,
  rejected: 12,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface ErrorEntry {
  /** HTTP status; 0 for errors that never travel over HTTP. */
  readonly status: number;
  readonly exit: ExitCode;
  /** True when repeating the same request unchanged can succeed. */
  readonly retryable: boolean;
  /** What it means, one line. */
  readonly meaning: string;
  /** What to do next, one line. */
  readonly next: string;
}

export const rejected = (meaning: string, next: string): ErrorEntry => ({
  status: 400,
  exit: exitCodes.rejected,
  retryable: false,
  meaning,
  next,
});

export const conflict = (meaning: string, next: string): ErrorEntry => ({
  status: 409,
  exit: exitCodes.conflict,
  retryable: false,
  meaning,
  next,
});

export const leaseLost = (meaning: string, next: string): ErrorEntry => ({
  status: 403,
  exit: exitCodes.leaseLost,
  retryable: false,
  meaning,
  next,
});

export const unavailable = (status: number, meaning: string, next: string): ErrorEntry => ({
  status,
  exit: exitCodes.unavailable,
  retryable: true,
  meaning,
  next,
});

export const local = (exit: ExitCode, meaning: string, next: string): ErrorEntry => ({
  status: 0,
  exit,
  retryable: false,
  meaning,
  next,
});

export const notFound = (meaning: string, next: string): ErrorEntry => ({
  status: 404,
  exit: exitCodes.notFound,
  retryable: false,
  meaning,
  next,
});
