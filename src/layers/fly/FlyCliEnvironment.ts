/** What a child of ours sees of the environment. */
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { type Environment, tokenOf } from "../../services/Environment.ts"

const namesIn = (text: string): ReadonlyArray<string> => text.trim().split(/\s+/)

/**
 * What flyctl v0.4.87 needs (`TMPDIR`, because it writes a temp file), and what a version manager's shim needs to find the
 * flyctl of its user. Names, no prefixes: `MISE_GITHUB_TOKEN` is one of theirs as well.
 */
const paths = namesIn(`
  HOME USERPROFILE APPDATA LOCALAPPDATA TMPDIR TEMP TMP
  FLY_CONFIG_DIR SSL_CERT_FILE SSL_CERT_DIR
  XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME
  ASDF_DIR ASDF_DATA_DIR ASDF_CONFIG_FILE
  MISE_DATA_DIR MISE_CONFIG_DIR MISE_CACHE_DIR MISE_STATE_DIR MISE_INSTALLS_DIR MISE_SHIMS_DIR
  MISE_SYSTEM_DIR MISE_SYSTEM_CONFIG_DIR MISE_SYSTEM_DATA_DIR MISE_CONFIG_FILE MISE_GLOBAL_CONFIG_FILE
  RTX_DATA_DIR RTX_CONFIG_DIR RTX_CACHE_DIR
  VOLTA_HOME PROTO_HOME AQUA_ROOT_DIR
`)

/** Let through as they are; those of aqua are several files, parted by colons. */
const others = namesIn(`
  PATH SystemRoot
  HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy no_proxy all_proxy
  FLY_API_BASE_URL FLY_FLAPS_BASE_URL FLY_METRICS_BASE_URL FLY_SYNTHETICS_BASE_URL FLY_UIEX_BASE_URL
  ASDF_DEFAULT_TOOL_VERSIONS_FILENAME ASDF_TOOL_VERSIONS_FILENAME ASDF_FLYCTL_VERSION ASDF_FLY_VERSION
  MISE_ENV MISE_DEFAULT_CONFIG_FILENAME MISE_DEFAULT_TOOL_VERSIONS_FILENAME MISE_OVERRIDE_CONFIG_FILENAMES
  MISE_OVERRIDE_TOOL_VERSIONS_FILENAMES MISE_TRUSTED_CONFIG_PATHS MISE_CEILING_PATHS
  MISE_FLYCTL_VERSION MISE_FLY_VERSION RTX_FLYCTL_VERSION RTX_FLY_VERSION
  AQUA_CONFIG AQUA_GLOBAL_CONFIG
`)

/** Keeps flyctl quiet, quick and without colour. */
const fixed = {
  FLY_SEND_METRICS: "0",
  FLY_NO_UPDATE_CHECK: "1",
  FLY_NO_INCIDENTS_CHECK: "1",
  FLY_SYNTHETICS_AGENT: "0",
  NO_COLOR: "1",
  LOG_LEVEL: "error",
  CI: "1"
}

/**
 * The whole environment of a child: an allow-list, what keeps flyctl quiet, and the token if it may see it. An ambient
 * `FLY_ORG` (which beats the argument) or `FLY_APP` never gets through. `resolve` makes a path absolute: the child has
 * another working directory.
 */
export const childEnvironment = (
  environment: Environment["Service"],
  options: { readonly environmentToken: boolean; readonly resolve: (path: string) => string }
): Record<string, string | Redacted.Redacted<string>> => {
  const variables: Record<string, string | Redacted.Redacted<string>> = {}
  const take = (names: ReadonlyArray<string>, form: (value: string) => string) => {
    for (const name of names) {
      const value = environment.get(name)
      if (value !== undefined && value !== "") variables[name] = form(value)
    }
  }
  take(paths, options.resolve)
  take(others, (value) => value)
  const token = options.environmentToken ? tokenOf(environment) : Option.none()
  if (Option.isSome(token)) variables["FLY_ACCESS_TOKEN"] = token.value.redacted
  return { ...variables, ...fixed }
}
