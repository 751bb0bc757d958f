/**
 * The parts of oclif a running command needs. Its whole library takes longer to load than most
 * commands take to run; help pages and the manifest, which need it, load it themselves.
 */
export * as Args from "@oclif/core/args";
export * as Flags from "@oclif/core/flags";
