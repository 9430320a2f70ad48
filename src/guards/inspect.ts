/** The name of the method by which an object says how `console.log` is to show it, in runtimes that ask: Node, Bun, Deno. */
export const INSPECT: unique symbol = /* @__PURE__ */ Symbol.for('nodejs.util.inspect.custom')

/**
 * Has a class's objects shown as their `toJSON` says.
 *
 * By a function and not by a method, since a bundler takes a computed name in a class for a side effect: it would keep the class, and
 * all that it leads to, in programs that have no use for it.
 */
export function inspectable<TClass extends new (...facts: never[]) => { toJSON(): unknown }>(describe: TClass): TClass {
  Object.defineProperty(describe.prototype, INSPECT, {
    value(this: InstanceType<TClass>) {
      return this.toJSON()
    },
  })
  return describe
}
