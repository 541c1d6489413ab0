/*! microrest/node 0.7.0, MIT licence, (c) the microrest authors. Generated from hosts/node.ts by `npm run build`. */

declare global {
    namespace Microrest {
        /** What add-ons put on a request. An add-on declares its fields here, and every step sees them on `req`. */
        interface Extras {
        }
    }
}
/**
 * What is told of an event. Written as a method, and so bivariant: a listener may say what its event brings,
 * `(chunk: Uint8Array) => …`, although nobody here knows.
 */
type Listener$1 = {
    listen(value: unknown): void;
}['listen'];
/** A request as a host hands it in. Node's `IncomingMessage` fits without a cast. */
interface HostReq {
    /** The method, upper-case, as it came from the wire. */
    method?: string | undefined;
    /** The request target: path and query, percent-encoded, as it came from the wire. */
    url?: string | undefined;
    /** The header fields by lower-case name. */
    headers: {
        readonly [name: string]: string | readonly string[] | undefined;
    };
    on(event: string, listener: Listener$1): unknown;
}
/** A response as a host hands it in. Node's `ServerResponse` fits without a cast. */
interface HostRes {
    statusCode: number;
    readonly headersSent: boolean;
    readonly writableEnded?: boolean;
    readonly destroyed?: boolean;
    setHeader(name: string, value: string | number | readonly string[]): unknown;
    getHeader(name: string): string | number | readonly string[] | undefined;
    removeHeader(name: string): void;
    writeHead(statusCode: number, headers?: {
        [name: string]: string | number | string[];
    }): HostRes;
    write(chunk: string | Uint8Array): boolean;
    end(chunk?: string | Uint8Array): unknown;
    on(event: string, listener: Listener$1): unknown;
    destroy(error?: Error): unknown;
}
/** A value of a query: a string, 1 for a name without a value, or all values of a repeated name. */
type QueryValue = string | 1 | (string | 1)[];
/** A parsed query or url-encoded body, by name. */
interface Query {
    [name: string]: QueryValue | undefined;
}
/** The path parameters of a route whose path is not known to the compiler. */
interface AnyParams {
    [name: string]: string | undefined;
}
/** A request as a step sees it. */
interface Req<Params = AnyParams> extends HostReq, Microrest.Extras {
    /** The path parameters, percent-decoded. Never missing in a route's steps. */
    params: Params;
    /** The query, once `parseQuery` has run. */
    query: Query;
    /** The path without the query, as it came from the wire, once `parseQuery` has run. */
    path: string;
    /** The body, once it has been read: bytes, or a string where the request has an encoding set. */
    body: unknown;
    /** The prefix that a mount has taken off `url`; undefined outside a mount. */
    baseUrl?: string | undefined;
    /** Set by a pre step, the route to run instead of the one that would be looked up. */
    _route?: Step[] | {
        mw: Step[];
        params?: object | undefined;
    } | undefined;
    /** Set by a host or a pre step, what runs for a path that is not routed, in place of the 404 and the err steps that see it. */
    _unrouted?: Step | undefined;
    /** Set by a host: the errors that are left go to the `next` that the app was given, and not to `onError`. */
    _pass?: boolean | undefined;
}
/** A response as a step sees it. */
interface Res extends HostRes {
}
/**
 * Go on. Without an argument to the next step; with a truthy one to the err steps; with `false` to the end of the chain.
 *
 * Only the first call counts.
 */
type Next = (err?: unknown) => void;
/** A middleware step, or the function that a route ends in. One that declares at most `req` may return its answer. */
interface Step<Params = AnyParams> {
    (req: Req<Params>, res: Res, next: Next): unknown;
    /** `false` on the first step of a route: the body is left unread, for the steps to read. */
    readBody?: false | undefined;
}

/**
 * node: serves an app in production, on node's own HTTP server.
 *
 *     const { url, close } = await serve(app, { port: 8080 })
 *
 * What it adds to `app.listen`: limits of time that hold from the start, a stop that loses no request, TLS whose certificates can be
 * renewed, HTTP/2, the client behind a proxy, and workers. It takes types from the core, and nothing else.
 *
 * From top to bottom: the options, `serve`, listening, certificates, the client, requests, closing, the process, workers, readiness.
 */

declare global {
    namespace Microrest {
        interface Extras {
            /** The client's address, as far as the proxies that are trusted tell it. Undefined where there is none, as with a unix socket. */
            ip?: string | undefined;
            /** What the client speaks: to the first trusted proxy, if there is one. */
            protocol?: 'http' | 'https' | undefined;
            /** The host, and port if it is not the usual one, that the client asked for. */
            host?: string | undefined;
            /** The url as it came, whatever prefixes have been taken off since. */
            originalUrl?: string | undefined;
        }
    }
}
/** An app, or any other listener for requests. (As a method, so that those that are typed against node's objects fit too.) */
type NodeApp = {
    listen(req: HostReq, res: HostRes): unknown;
}['listen'];
/** What a proxy tells of its client by. */
type ProxyHeader = 'x-forwarded-for' | 'x-forwarded-proto' | 'x-forwarded-host' | 'forwarded';
interface ServeTlsOptions {
    /** The private key: a path, or the PEM itself. */
    key: string | Uint8Array;
    /** The certificate, and after it those in between: a path, or the PEM itself. */
    cert: string | Uint8Array;
    /** What opens an encrypted key. */
    passphrase?: string | undefined;
    /** The oldest TLS to speak. Default 'TLSv1.2'. */
    minVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3' | undefined;
    /** Ask clients for a certificate. 'require' refuses those without a good one; 'request' leaves that to the app. Needs `ca`. */
    clientCertificate?: 'require' | 'request' | undefined;
    /** Who has signed the certificates of clients: a path, or the PEM itself. */
    ca?: string | Uint8Array | undefined;
    /** The host names that a client's certificate may be for; it has to be for one of them. Needs `clientCertificate: 'require'`. */
    clientNames?: readonly string[] | undefined;
    /** How often to look whether the files have changed, in milliseconds; 0 for never. Default 60000. */
    reloadInterval?: number | undefined;
    /** Whatever else `tls.createServer` takes. */
    [option: string]: unknown;
}
interface ServeOptions {
    /** The port; 0 is any free one. Default 0. */
    port?: number | string | undefined;
    /** The address to listen on. Default is all of them. */
    host?: string | undefined;
    /** If the port is busy try the next one up, to 65535. Default false. */
    tryNextPort?: boolean | undefined;
    /** In place of a port: the path of a unix socket. One that a dead process has left behind is removed. */
    path?: string | undefined;
    /** The permissions of that socket, such as 0o660. Default is what the umask leaves. */
    socketMode?: number | undefined;
    /** In place of a port: a file descriptor that listens already, as systemd hands over. */
    fd?: number | undefined;
    /** Speak https. Default is http. */
    tls?: ServeTlsOptions | undefined;
    /** Speak HTTP/2 to those who can. Needs `tls`. Default false. */
    http2?: boolean | undefined;
    /** How long the head of a request may take, and a TLS handshake. Default 20000. */
    headersTimeout?: number | undefined;
    /** How long a request, head and body, may take to arrive. Default 120000. */
    requestTimeout?: number | undefined;
    /**
     * How long the app may take from there to the head of its answer, and may leave a body where it is. After that the client gets a 503.
     * Default 30000.
     */
    answerTimeout?: number | undefined;
    /** How long a connection with a request may go without a byte in either direction. Default 120000. */
    idleTimeout?: number | undefined;
    /** How long a connection without a request is kept. Default 5000; 75000 with `trustProxy`, for proxies close after 60 seconds. */
    keepAliveTimeout?: number | undefined;
    /** How many connections to have at once, in each process. Default is as many as the system gives. */
    maxConnections?: number | undefined;
    /**
     * The proxies to believe: their addresses, networks such as '10.0.0.0/8', and 'loopback', 'private' and 'unix' (whoever comes by the
     * socket); or how many there are in a row. Default is none: whoever is believed can claim to be anybody.
     */
    trustProxy?: readonly string[] | number | undefined;
    /**
     * The headers that those proxies set, and let no client set: of the X-Forwarded ones those named, or Forwarded (RFC 7239) alone.
     * Default is `['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host']`. All others are ignored.
     */
    proxyHeaders?: readonly ProxyHeader[] | undefined;
    /** When closing, how long to go on as before, but not ready, so that nobody sends new clients. Default 0. */
    closeDelay?: number | undefined;
    /** When closing, how long requests may take to end. What is left is cut off. Default 10000. */
    graceTime?: number | undefined;
    /** Called when closing begins: for streams without an end to end. */
    onClosing?: (() => void) | undefined;
    /** Called when all connections are closed: for databases to be left. Waited for, up to `graceTime`. */
    onClose?: (() => unknown) | undefined;
    /** Take SIGTERM, SIGINT and errors that nobody caught: close, and end the process. Default true. */
    ownsProcess?: boolean | undefined;
    /** Serve from this many processes, and replace those that end. Default 0: from this one. */
    workers?: number | undefined;
    /** Gets errors that reach no client. Default prints them by `console.warn`. */
    reportError?: ((err: unknown, cause: string) => void) | undefined;
    /** Whatever else `http.createServer` takes, such as `maxHeaderSize`. */
    nodeOptions?: {
        readonly [option: string]: unknown;
    } | undefined;
}
/** A listener may say what its event brings, although nobody here knows. */
type Listener = {
    listen(...values: unknown[]): void;
}['listen'];
/** A server of node, as far as it is of use here: an `http.Server`, `https.Server` or `http2.Http2SecureServer`. */
interface NodeServer {
    readonly listening: boolean;
    address(): unknown;
    on(event: string, listener: Listener): unknown;
    once(event: string, listener: Listener): unknown;
    off(event: string, listener: Listener): unknown;
}
interface Served {
    /** Node's server; undefined in the process that only looks after workers. */
    readonly server: NodeServer | undefined;
    /** Where it is, such as 'http://localhost:8080', or 'unix:/run/app.sock'. */
    readonly url: string;
    /** The port; undefined for a socket that has none. */
    readonly port: number | undefined;
    /** Close gracefully, within the grace time given or that of the options; resolves to how many requests had to be cut off. */
    close(graceTime?: number): Promise<number>;
    /** Read the certificate files again, now. Rejects, and keeps what there was, if they are not good. */
    reload(): Promise<void>;
}
/**
 * Serve an app.
 *
 * Resolves when it listens, or, with workers, when all of them do. Throws at once for options that cannot be. Rejects, with a message
 * that names it, for a port or a socket that is in use, and for files of certificates that are not good.
 *
 *     await serve(app, { port: 8443, tls: { key: '/etc/tls/tls.key', cert: '/etc/tls/tls.crt' }, workers: 4 })
 */
declare function serve(app: NodeApp, options?: ServeOptions): Promise<Served>;
/**
 * Build the step that says whether to send requests here: 200, or 503 from the moment closing begins.
 *
 * Give it a function to ask about what the app cannot do without: what returns false, or throws, is a 503 as well.
 *
 *     app.get('/ready', readiness(() => database.ping()))
 */
declare function readiness(check?: () => unknown): Step;

export { readiness, serve };
export type { NodeApp, NodeServer, ProxyHeader, ServeOptions, ServeTlsOptions, Served };
