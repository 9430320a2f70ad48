// One contender in a process of its own, where its heap is nobody else's burden. It takes its turn when it is told to.
const [part, given] = process.argv.slice(2)
const { contender } = await import(new URL(`../parts/${part}.js`, import.meta.url).href)
const { time } = await contender(JSON.parse(given))

process.on('message', async (times) => {
  process.send?.(await time(times))
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
