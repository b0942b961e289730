/**
 * How options are called in messages.
 *
 * @since 0.1.0
 */

/**
 * An option by both of its names: the one in code and the variable.
 *
 * @category formatting
 * @since 0.1.0
 * @stability stable
 */
export const optionName = (option: string): string =>
  `\`${option}\` (FLY_TOKENS_${option.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()})`
