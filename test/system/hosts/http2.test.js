import { listen } from '../../../examples/hosts/http2.ts'
import { connectHttp2 } from './clients/http2-client.ts'
import { leavingHttp2 } from './clients/leaving.ts'
import { CANNOT_SEND, ENDS_UNREAD_LATE } from './skips.ts'
import { testRecipe } from './test-recipe.ts'

testRecipe({
  host: 'node:http2, server-sent events',
  recipe: 'http2.ts',
  listen,
  beatsByClock: true,
  connect: connectHttp2,
  connectAndLeave: leavingHttp2,
  skip: [
    CANNOT_SEND,
    ENDS_UNREAD_LATE,
    {
      reason: 'Node does not report that a client broke the framing of HTTP/2; comments end its stream after a minute',
      tests: ['goes on serving whatever bytes a client sends'],
    },
  ],
})
