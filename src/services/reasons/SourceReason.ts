/** Why a source gives nothing, whichever it is. */
import * as Schema from "effect/Schema"
import { shown, told } from "../../token/Redaction.ts"
import { optionName } from "../OptionName.ts"
import * as SystemCode from "../SystemCode.ts"

const seconds = (millis: number): string => `${millis / 1000} s`

/** The source has nothing: a variable that is not set, a file that is not there, no record. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", {
  /** What is not there, as a sentence. */
  what: Schema.String
}) {
  override get message(): string {
    return shown(this.what)
  }
  get hint(): string {
    return "nothing to do, if another source gives a token"
  }
}

/** The source is switched off in this program. */
export class Disabled extends Schema.TaggedError<Disabled>()("Disabled", {}) {
  override get message(): string {
    return "switched off in this program"
  }
  get hint(): string {
    return `provide a layer for this source, or leave it out of option ${optionName("chain")}`
  }
}

/** What may keep the answer away, by the option that limits it. */
const slow: Readonly<Record<string, string>> = {
  cliTimeout: "Fly's API may be slow or down (https://status.flyio.net shows incidents)",
  storageTimeout: "look at the store: its disk, network or server",
  configFileTimeout: "look at the disk or network that the config file is on"
}

/** The source gave no answer within its limit. */
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", {
  /** The option that sets the limit. */
  option: Schema.String,
  /** The limit in milliseconds. */
  limitMillis: Schema.Finite
}) {
  override get message(): string {
    return `no answer within ${seconds(this.limitMillis)}`
  }
  get hint(): string {
    return told`${slow[this.option] ?? "try again"}; option ${optionName(this.option)} sets the limit`
  }
}

/** A file is there and cannot be used. */
export class Unreadable extends Schema.TaggedError<Unreadable>()("Unreadable", {
  path: Schema.String,
  /** A fixed sentence, nothing of the file. */
  why: Schema.String
}) {
  override get message(): string {
    return told`${this.path}: ${this.why}`
  }
  get hint(): string {
    if (this.why === "permission denied") {
      return "give it back to this user (`sudo fly` leaves files of root there), or set FLY_CONFIG_DIR to a copy"
    }
    return this.why.includes("permission model")
      ? `allow it (--allow-fs-read), or leave \`config\` out of option ${optionName("chain")}`
      : "mend or remove the file, then run `fly auth login`; flyctl itself may fail until then"
  }
}

/** The store failed. */
export class StorageFailed extends Schema.TaggedError<StorageFailed>()("StorageFailed", {
  /** A fixed sentence, nothing of the record. */
  why: Schema.String,
  path: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return this.path === undefined ? told`the store failed: ${this.why}` : told`${this.path}: ${this.why}`
  }
  get hint(): string {
    return "check the store: its directory, permissions, space or connection"
  }
}

/**
 * Code of a source threw, or the system refused something. Only the kind of error is told: its text may hold anything.
 */
export class Defect extends Schema.TaggedError<Defect>()("Defect", {
  name: Schema.String
}) {
  override get message(): string {
    return told`failed unexpectedly (${this.name})`
  }
  /** Its `name` is a field. */
  override toString(): string {
    return `${this._tag}: ${this.message}`
  }
  get hint(): string {
    if (this.name === SystemCode.accessDenied) {
      return "Node's permission model refuses it: allow it by --allow-fs-read, --allow-fs-write and --allow-child-process"
    }
    return /^E[A-Z0-9]+$/.test(this.name)
      ? "the system refused it: look at its limits (open files, processes, memory) and permissions"
      : "this is a bug in the layer of this source: run it alone to see its error"
  }
}

/** The reason for a thrown value: its code if it has one, else its kind, never its text. */
export const fromDefect = (defect: unknown): Defect =>
  new Defect({
    // The name of a class is code, not data; a `name` that was assigned may be anything.
    name: defect instanceof Error
      ? SystemCode.of(defect) ?? (/^[A-Za-z][A-Za-z0-9]{0,40}$/.exec(defect.constructor.name)?.[0] ?? "Error")
      : typeof defect
  })
