// Many clients in a process of their own. The first `stuck` of them read nothing once they are connected; the others check
// that the trades they get are numbered from 1 on, without a gap.
import { WebSocket } from 'ws'

const CONNECTING_AT_ONCE = 100

const [url, count, stuck] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]
const received = new Array(count - stuck).fill(0)
let arrived = 0
let outOfOrder = 0
let expected = Infinity

function reportWhenAllArrived() {
  if (arrived < expected * received.length) return
  expected = Infinity
  process.send({ fewest: Math.min(...received), most: Math.max(...received), outOfOrder })
}

function check(i, text) {
  if (JSON.parse(text).data.n !== ++received[i]) outOfOrder++
  arrived++
  reportWhenAllArrived()
}

function connect(client) {
  const socket = new WebSocket(`${url}/${client}`, { perMessageDeflate: false })
  if (client >= stuck) socket.on('message', (text) => check(client - stuck, text))
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('open', () => {
      if (client < stuck) socket._socket.pause()
      resolve()
    })
  })
}

process.on('message', (message) => {
  expected = message.expected
  reportWhenAllArrived()
})
process.on('disconnect', () => process.exit())

for (let first = 0; first < count; first += CONNECTING_AT_ONCE) {
  await Promise.all(Array.from({ length: Math.min(CONNECTING_AT_ONCE, count - first) }, (_, i) => connect(first + i)))
}
process.send('open')
