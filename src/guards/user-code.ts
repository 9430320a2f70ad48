/**
 * Returns what `read` returns. It reads from a caller's object, which may run user code, such as a getter.
 *
 * @throws the error that `refusal` makes of what the user code threw
 */
export function readUserCode<TRead>(read: () => TRead, refusal: (cause: unknown) => Error): TRead {
  try {
    return read()
  } catch (cause) {
    throw refusal(cause)
  }
}

/** Returns a caller's function bound to the object it came with. It does not call a `bind` that the caller may have put on the function. */
export function bound<TFunction extends (...facts: never[]) => unknown>(fn: TFunction, owner: unknown, refusal: (cause: unknown) => Error): TFunction {
  return readUserCode(() => Function.prototype.bind.call(fn, owner) as TFunction, refusal)
}

/**
 * True if user code returned a promise, or anything else with a `then`.
 *
 * Reading `then` may run user code and throw. So call this within the `try` of the call that returned the value.
 */
export function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  if (answer === null || (typeof answer !== 'object' && typeof answer !== 'function')) return false
  return typeof (answer as { then?: unknown }).then === 'function'
}

/**
 * Returns a promise of our own that settles as the caller's thenable does.
 *
 * `Promise.resolve` would return a native promise as it is, and user code may have replaced its `then` by one that throws.
 */
export function adopted(thenable: PromiseLike<unknown>): Promise<unknown> {
  return new Promise((resolve) => resolve(thenable))
}

/** Ignores a promise that user code returned by mistake. Nobody awaits it, and its rejection must not end the process. */
export function disown(answer: unknown): void {
  if (isThenable(answer)) adopted(answer).catch(() => {})
}
