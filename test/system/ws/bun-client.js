// A client in Bun, for `openProcess` of peers.js: a line of JSON for each message, and for the opening and the close.
const socket = new WebSocket(process.argv[2])
const say = (fact) => process.stdout.write(`${JSON.stringify(fact)}\n`)
socket.binaryType = 'arraybuffer'
socket.onopen = () => say({ opened: true })
socket.onmessage = ({ data }) => say({ message: typeof data === 'string' ? data : { base64: Buffer.from(data).toString('base64') } })
socket.onclose = ({ code }) => say({ closed: code })
