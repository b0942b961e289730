/**
 * The error of a call to tokens that were closed.
 *
 * @since 0.1.0
 */

/**
 * The tokens were closed, before the call or while it waited.
 *
 * @category errors
 * @since 0.1.0
 * @stability stable
 */
export class FlyTokensClosed extends Error {
  readonly _tag = "FlyTokensClosed"
  override readonly name = "FlyTokensClosed"

  constructor() {
    super("these tokens were closed; create new ones with createFlyTokens")
  }
}
