/** The name of the method that Node, Bun and Deno call to find out how `console.log` prints an object. */
export const INSPECT: unique symbol = /* @__PURE__ */ Symbol.for('nodejs.util.inspect.custom')

/**
 * Makes `console.log` print what `toJSON` returns, for each instance of a class.
 *
 * `inspectable` is a function and not a method of the class, because a bundler treats a computed name in a class as a side effect. The bundler would
 * keep the class, and everything that the class imports, in programs that do not use the class.
 */
export function inspectable<TClass extends new (...facts: never[]) => { toJSON(): unknown }>(target: TClass): TClass {
  Object.defineProperty(target.prototype, INSPECT, {
    value(this: InstanceType<TClass>) {
      return this.toJSON()
    },
  })
  return target
}
