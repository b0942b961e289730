/**
 * Whose token, and for what.
 *
 * @since 0.1.0
 */
import type { AppName } from "./AppName.ts"

/**
 * What a token is for. `read`: all reading of an app.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type Access = "read"

/**
 * Whose token, and for what: what is cached, stored and refreshed belongs to one.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface TokenKey {
  /** Whose. */
  readonly app: AppName
  /** For what. */
  readonly access: Access
}

export const of = (app: AppName, access: Access = "read"): TokenKey => ({ app, access })

/** The key as a text, for maps. That of `read` is the app's name. */
export const id = ({ access, app }: TokenKey): string => access === "read" ? app : `${app}/${access}`

/** The key that a text of {@link id} is of. */
export const ofId = (id: string): TokenKey => {
  const [app = "", access = "read"] = id.split("/")
  return { app: app as AppName, access: access as Access }
}
