/** How options are called: in code, in the environment, and in messages. */

/**
 * The variable of each option. Options are read by these names and no others, so that this is the list of all there are.
 */
export const variables = {
  chain: "FLY_TOKENS_CHAIN",
  ttl: "FLY_TOKENS_TTL",
  cliTimeout: "FLY_TOKENS_CLI_TIMEOUT",
  storageTimeout: "FLY_TOKENS_STORAGE_TIMEOUT",
  configFileTimeout: "FLY_TOKENS_CONFIG_FILE_TIMEOUT",
  softExpiryLead: "FLY_TOKENS_SOFT_EXPIRY_LEAD",
  softExpiryJitter: "FLY_TOKENS_SOFT_EXPIRY_JITTER",
  cliConcurrency: "FLY_TOKENS_CLI_CONCURRENCY",
  org: "FLY_TOKENS_ORG",
  mintFor: "FLY_TOKENS_MINT_FOR",
  leaseWait: "FLY_TOKENS_LEASE_WAIT",
  leaseTtl: "FLY_TOKENS_LEASE_TTL",
  persist: "FLY_TOKENS_PERSIST",
  failureCooldown: "FLY_TOKENS_FAILURE_COOLDOWN",
  rejectionTtl: "FLY_TOKENS_REJECTION_TTL",
  idleTimeToLive: "FLY_TOKENS_IDLE_TIME_TO_LIVE",
  command: "FLY_TOKENS_COMMAND",
  file: "FLY_TOKENS_FILE",
  directory: "FLY_TOKENS_DIR",
  binary: "FLY_TOKENS_BINARY",
  encryptionKeys: "FLY_TOKENS_ENCRYPTION_KEYS",
  encryptionAcceptPlain: "FLY_TOKENS_ENCRYPTION_ACCEPT_PLAIN"
} as const

/** Those of the variables that hold a secret. */
export const secretVariables: ReadonlyArray<string> = [variables.encryptionKeys]

/** An option by both of its names: the one in code and the variable, if it has one. */
export const optionName = (option: string): string =>
  Object.hasOwn(variables, option)
    ? `\`${option}\` (${variables[option as keyof typeof variables]})`
    : `\`${option}\``
