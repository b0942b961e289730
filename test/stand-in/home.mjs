/**
 * flyctl's directory and config file. flyctl writes into the one and reads the other before it does anything, `version`
 * too; what it says if it cannot, word for word.
 */
import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { env } from "node:process"

/**
 * What Go says for what the system says.
 * @type {Record<string, string>}
 */
const system = {
  EACCES: "permission denied",
  ENOSPC: "no space left on device",
  ENOTDIR: "not a directory",
  EPERM: "operation not permitted",
  EROFS: "read-only file system"
}

/** @type {(error: unknown) => string} */
const saidOf = (error) => system[/** @type {NodeJS.ErrnoException} */ (error).code ?? ""] ?? "input/output error"

/** @type {(code: string) => never} */
const refuse = (code) => {
  throw Object.assign(new Error(code), { code })
}

/**
 * It only looks, where flyctl makes the directory and writes into it: tests see that nothing of ours does.
 * @type {(directory: string) => void}
 */
const assertWritable = (directory) => {
  if (!existsSync(directory)) return assertWritable(dirname(directory))
  if (!statSync(directory).isDirectory()) refuse("ENOTDIR")
  accessSync(directory, constants.W_OK)
}

/** @type {(text: string) => Promise<boolean>} */
const isBroken = async (text) => {
  if (text === "") return false
  const { isMap, parseDocument } = await import("yaml")
  const { contents, errors } = parseDocument(text, { logLevel: "silent" })
  return errors.length > 0 || (contents !== null && !isMap(contents))
}

/**
 * The text of the config file, or what is printed instead. The modes `read-only-home` and `foreign-config` are for those
 * who may write and read everything.
 * @type {(mode: string) => Promise<{ readonly configText?: string, readonly stdout?: string, readonly stderr?: string }>}
 */
export const read = async (mode) => {
  if (!env["FLY_CONFIG_DIR"] && !env["HOME"]) {
    return {
      stdout: "Error accessing home directory $HOME is not defined\n",
      stderr: "Error: failed creating config directory: mkdir : no such file or directory"
    }
  }
  const directory = env["FLY_CONFIG_DIR"] || join(env["HOME"] ?? "", ".fly")
  try {
    if (mode === "read-only-home") refuse("EROFS")
    assertWritable(directory)
  } catch (error) {
    return {
      stdout: "",
      stderr: existsSync(directory) && statSync(directory).isDirectory()
        ? `Error: failed ensuring config directory perms: open ${directory}/perms.1: ${saidOf(error)}`
        : `Error: failed creating config directory: mkdir ${directory}: ${saidOf(error)}`
    }
  }
  const file = join(directory, "config.yml")
  try {
    if (mode === "foreign-config") refuse("EACCES")
    const configText = existsSync(file) ? readFileSync(file, "utf8") : ""
    return !(await isBroken(configText)) ? { configText } : {
      stdout: "Error loading config While parsing config: yaml: line 2: did not find expected key\n",
      stderr: "Error: yaml: line 2: did not find expected key"
    }
  } catch (error) {
    return { stdout: "", stderr: `Error: open ${file}: ${saidOf(error)}` }
  }
}
