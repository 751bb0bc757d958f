// Loads dist/launch.cjs with the bytecode of an earlier run, which halves the time lockd itself
// takes to start. Node's own cache keeps only what is compiled at the beginning; this one is made
// at the end of a run and has every function that the command used. Without a place to keep it,
// or with anything wrong about it, the program is simply compiled.
const { Buffer } = require("node:buffer");
const fs = require("node:fs");
const module_ = require("node:module");
const path = require("node:path");
const process = require("node:process");
const vm = require("node:vm");

/** Files kept, of 0.1 to 0.8 MB; one for each use of each build and version of Node. */
const cacheFilesMax = 64;

/** Permissions that let others write. */
const writableByOthers = 0o022;

/** As far as anybody writes them. */
const serverFlag = /^(-s|--server|--island)(=|$)/;

/** What Node puts around a CommonJS module. */
const [head, tail] = ["(function (exports, require, module, __filename, __dirname) { ", "\n});"];

/** The line that the build puts at the end of the program: 16 digits of its own checksum. */
const buildLine = /\/\/# lockd-build ([0-9a-f]{16})\n$/;

/** Where this user's programs keep what can be made again; undefined when there is no such place. */
function cacheDirectory() {
  const { XDG_CACHE_HOME, HOME, NODE_DISABLE_COMPILE_CACHE } = process.env;
  // On a system without user ids nobody can tell whose file it is.
  if (process.getuid === undefined || NODE_DISABLE_COMPILE_CACHE) return undefined;
  if (XDG_CACHE_HOME && path.isAbsolute(XDG_CACHE_HOME))
    return path.join(XDG_CACHE_HOME, "lockd", "code");
  return HOME && path.isAbsolute(HOME) ? path.join(HOME, ".cache", "lockd", "code") : undefined;
}

/** True when only this user can have written it: bytecode is run as it is. */
function isOurs(stats) {
  return stats.uid === process.getuid() && (stats.mode & writableByOthers) === 0;
}

function readCache(file) {
  let fd;
  try {
    fd = fs.openSync(file, "r");
    return isOurs(fs.fstatSync(fd)) ? fs.readFileSync(fd) : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/**
 * True when the directory is there or could be made, with what is above it. Not by Node's own
 * `recursive`: below a directory that exists and yet says ENOENT to whoever makes one in it (/proc
 * does), that tries again and again for ever, and so does `enableCompileCache`.
 */
function isThere(directory) {
  if (isDirectory(directory)) return true;
  const parent = path.dirname(directory);
  if (parent === directory || !isThere(parent)) return false;
  try {
    fs.mkdirSync(directory, { mode: 0o700 });
    return true;
  } catch {
    // Another start was faster, or there can be none.
    return isDirectory(directory);
  }
}

function isDirectory(name) {
  try {
    return fs.statSync(name, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    return false;
  }
}

/** Whole or not at all, also after a power cut: half a cache would not always be noticed. */
function writeCache(file, bytes) {
  const directory = path.dirname(file);
  const fresh = `${file}.${process.pid}`;
  try {
    if (!isThere(directory) || !isOurs(fs.lstatSync(directory))) return;
    const names = fs.readdirSync(directory).filter((name) => name !== "node");
    if (names.length >= cacheFilesMax) {
      for (const name of names) fs.rmSync(path.join(directory, name), { force: true });
    }
    fs.writeFileSync(fresh, bytes, { mode: 0o600, flag: "wx", flush: true });
    fs.renameSync(fresh, file);
  } catch {
    // A full disk or a home that cannot be written: the next start takes as long as this one.
    removeQuietly(fresh);
  }
}

function removeQuietly(file) {
  try {
    fs.rmSync(file, { force: true });
  } catch {
    // It was never there, or whatever kept us from writing keeps us from removing.
  }
}

/**
 * The file as a function. The build writes ASCII alone, so that no letter has to be looked at; and
 * read into its place between head and tail, the text needs no second copy.
 */
function readWrapped(filename) {
  const fd = fs.openSync(filename, "r");
  try {
    const { size } = fs.fstatSync(fd);
    const bytes = Buffer.allocUnsafeSlow(head.length + size + tail.length);
    const from = bytes.write(head, "latin1");
    let end = from;
    for (let read = -1; read !== 0 && end < from + size; end += read) {
      read = fs.readSync(fd, bytes, end, from + size - end);
    }
    return bytes.toString("latin1", 0, end + bytes.write(tail, end, "latin1"));
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * What a run will use of the program, as far as its words tell: help is not the command, and with a
 * server a command is another one than without. A wrong guess costs a little time, no more.
 */
function usageOf(words) {
  const end = words.indexOf("--");
  const own = end === -1 ? words : words.slice(0, end);
  if (own.includes("--help") || own.includes("-h")) return "help";
  const { LOCKD_CLIENT_SERVER, LOCKD_CLIENT_ISLAND } = process.env;
  const hasServer =
    LOCKD_CLIENT_SERVER || LOCKD_CLIENT_ISLAND || own.some((word) => serverFlag.test(word));
  const command = /^[a-z]{2,12}$/.test(own[0] ?? "") ? own[0] : "other";
  return hasServer ? `${command}-server` : command;
}

/** Names the build, the version of Node, and the use: each has other functions. */
function cacheFile(directory, source, words) {
  const build = buildLine.exec(source.slice(-64, -tail.length))?.[1];
  if (directory === undefined || build === undefined) return undefined;
  const usage = usageOf(words);
  return path.join(directory, `${build}-${process.version}-${process.arch}-${usage}`);
}

/** The program's exports, and `keep`, to be called when the command is over. */
exports.loadProgram = (root, words) => {
  const directory = cacheDirectory();
  // For the packages that are not part of the program.
  const ofPackages = directory === undefined ? undefined : path.join(directory, "node");
  if (ofPackages !== undefined && isThere(ofPackages)) module_.enableCompileCache?.(ofPackages);
  const filename = path.join(root, "dist", "launch.cjs");
  const source = readWrapped(filename);
  const file = cacheFile(directory, source, words);
  const cachedData = file === undefined ? undefined : readCache(file);
  const script = new vm.Script(source, { filename, cachedData });
  const program = { exports: {} };
  const load = module_.createRequire(filename);
  script.runInThisContext()(program.exports, load, program, filename, path.dirname(filename));
  const isKept = cachedData !== undefined && script.cachedDataRejected !== true;
  return {
    program: program.exports,
    keep: () => {
      if (file === undefined || isKept || process.exitCode) return;
      writeCache(file, Buffer.from(script.createCachedData()));
    },
  };
};
