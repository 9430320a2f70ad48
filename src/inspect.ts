/** The name of the method by which an object says how `console.log` is to show it, in runtimes that ask: Node, Bun, Deno. */
export const INSPECT: unique symbol = /* @__PURE__ */ Symbol.for('nodejs.util.inspect.custom')
