/** Lease ids of the runs that a process works under, the outermost first, joined by colons. */
export const runLeasesVariable = "LOCKD_RUN_LEASES";
