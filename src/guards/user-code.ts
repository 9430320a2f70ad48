/**
 * Calls `read`, and returns its result. `read` reads from a caller's object. The reading may run user code, such as a getter.
 *
 * @throws the error that `refusal` returns, if the user code throws
 */
export function readUserCode<TRead>(read: () => TRead, refusal: (cause: unknown) => Error): TRead {
  try {
    return read()
  } catch (cause) {
    throw refusal(cause)
  }
}

/**
 * Returns a caller's function, bound to its owner: the object that the function was read from. The caller may have replaced the function's own
 * `bind`, so this code uses the built-in `bind`.
 */
export function bound<TFunction extends (...facts: never[]) => unknown>(fn: TFunction, owner: unknown, refusal: (cause: unknown) => Error): TFunction {
  return readUserCode(() => Function.prototype.bind.call(fn, owner) as TFunction, refusal)
}

/**
 * True if user code returned a promise, or anything else with a `then`.
 *
 * Reading `then` may run user code and throw. So call `isThenable` in the same `try` as the user code that returned the value.
 */
export function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  if (answer === null || (typeof answer !== 'object' && typeof answer !== 'function')) return false
  return typeof (answer as { then?: unknown }).then === 'function'
}

/**
 * Returns a new promise that settles in the same way as the caller's thenable.
 *
 * `Promise.resolve` would return a native promise unchanged. User code may have replaced the `then` of that promise with a function that throws. The
 * new promise then rejects with this error.
 */
export function adopted(thenable: PromiseLike<unknown>): Promise<unknown> {
  return new Promise((resolve) => resolve(thenable))
}

/** Ignores a promise that user code returned by mistake. Nobody awaits such a promise, and its rejection must not end the process. */
export function disown(answer: unknown): void {
  if (isThenable(answer)) adopted(answer).catch(() => {})
}
