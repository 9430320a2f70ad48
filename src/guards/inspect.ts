/** The method that Node, Bun and Deno call to learn how `console.log` prints an object. */
export const INSPECT: unique symbol = /* @__PURE__ */ Symbol.for('nodejs.util.inspect.custom')

/**
 * Makes `console.log` print the instances of a class as their `toJSON` returns them.
 *
 * This is a function and not a method, because a bundler treats a computed name in a class as a side effect. It would keep the class, and
 * everything the class imports, in programs that do not use it.
 */
export function inspectable<TClass extends new (...facts: never[]) => { toJSON(): unknown }>(target: TClass): TClass {
  Object.defineProperty(target.prototype, INSPECT, {
    value(this: InstanceType<TClass>) {
      return this.toJSON()
    },
  })
  return target
}
