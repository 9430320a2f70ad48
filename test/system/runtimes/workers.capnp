using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "host", worker = .host)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "host")],
);

const host :Workerd.Worker = (
  modules = [(name = "workers-host.js", esModule = embed "dist/workers-host.js")],
  compatibilityDate = "2026-11-01",
  # Compressed, what the suite has a stuck client wait for would all fit into the buffers of the network.
  compatibilityFlags = ["no_web_socket_compression"],
  durableObjectNamespaces = [(className = "Market", uniqueKey = "market")],
  durableObjectStorage = (inMemory = void),
  bindings = [(name = "MARKET", durableObjectNamespace = "Market")],
);
