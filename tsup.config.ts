import { defineConfig } from 'tsup'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    'transports/ws': 'src/transports/ws.ts',
    'transports/uws': 'src/transports/uws.ts',
    'transports/bun': 'src/transports/bun.ts',
    'transports/sse': 'src/transports/sse.ts',
    throttle: 'src/throttle/index.ts',
    recovery: 'src/recovery/index.ts',
    cluster: 'src/cluster/index.ts',
    'backplanes/memory': 'src/backplanes/memory/index.ts',
    'backplanes/redis': 'src/backplanes/redis/index.ts',
    'backplanes/nats': 'src/backplanes/nats.ts',
    protocol: 'src/protocol/index.ts',
    'hosts/ws': 'src/hosts/ws.ts',
    'hosts/sse': 'src/hosts/sse.ts',
    operations: 'src/operations/index.ts',
    client: 'src/client/index.ts',
    testing: 'src/testing/index.ts',
  },
  format: ['esm', 'cjs'],
  target: 'es2022',
  platform: 'neutral',
  clean: true,
  silent: true,
  dts: {
    // tsup passes a `baseUrl` on to the declaration build, which TypeScript 6 calls deprecated.
    compilerOptions: { ignoreDeprecations: '6.0' },
  },
})
