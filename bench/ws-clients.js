// The clients' side of ws.js, in a process of its own: so many clients that only count what arrives.
import WebSocket from 'ws'

const [url, count] = [process.argv[2], Number(process.argv[3])]
const received = new Array(count).fill(0)
let total = 0
let expected = Infinity

function reportWhenAllArrived() {
  if (total < expected) return
  expected = Infinity
  process.send({ total, fewest: Math.min(...received), most: Math.max(...received) })
}

process.on('message', (message) => {
  expected = message.expected
  reportWhenAllArrived()
})
process.on('disconnect', () => process.exit())

const opened = received.map((_, i) => new Promise((resolve) => {
  const client = new WebSocket(url, { perMessageDeflate: false })
  client.on('open', resolve)
  client.on('message', () => {
    received[i]++
    total++
    reportWhenAllArrived()
  })
}))
await Promise.all(opened)
process.send('open')
