// One case of a part, in a process of its own: what other cases did to the heap, and taught the engine, is none of its business.
const [part, given] = process.argv.slice(2)
const { measure } = await import(new URL(`../parts/${part}.js`, import.meta.url).href)

process.send?.(await measure(JSON.parse(given)))
process.disconnect?.()
