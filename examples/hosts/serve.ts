import type { Listening } from './listening.ts'

// npm start RECIPE [PORT]: runs a recipe as a program that publishes one price a second.

const [recipe = 'ws', wanted = '8080'] = process.argv.slice(2)
const { listen } = (await import(`./${recipe}.ts`)) as { listen(port: number): Promise<Listening> }
const { manager, port, stop } = await listen(Number(wanted))
console.log(`${recipe} listens on 127.0.0.1:${port}`)

manager.on('error', ({ error, stage, connection }) => console.error(stage, connection?.id, error))
const market = setInterval(() => manager.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data: { bid: 64_000 + Math.random() } }), 1_000)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    clearInterval(market)
    console.log(await stop())
  })
}
