/*! microrest 0.7.0, MIT licence, (c) the microrest authors. Generated from microrest.ts by `npm run build`. */

/**
 * mw: what every step and both routers stand on. Types, errors, answers, bodies, queries, paths, and the run that
 * carries one request through its steps.
 *
 * The first of the core's three modules: it imports nothing. It knows no Node and calls only what the smallest
 * engines have, so that the built script runs wherever there is JavaScript at all.
 */
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
type Listener = {
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
    on(event: string, listener: Listener): unknown;
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
    on(event: string, listener: Listener): unknown;
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
type Parts<Path extends string, Seen = never> = Path extends `${infer Part}/${infer Rest}` ? Parts<Rest, Seen | Part> : Seen | Path;
type TailPart = `:*${string}` | '*';
type NameOf<Part> = Part extends '*' | ':*' ? '*' : Part extends `:*${infer Name}` ? Name : Part extends `:${infer Name}` ? Name : never;
/** The parameters of a path: `PathParams<'/users/:id/:*rest'>` is `{ id: string, rest: string | undefined }`. */
type PathParams<Path extends string | RegExp> = Path extends string ? {} extends {
    [Known in Path]: 1;
} ? AnyParams : {
    [Part in Parts<Path> as NameOf<Part>]: Part extends TailPart ? string | undefined : string;
} : AnyParams;
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
/** A step for errors. `next()` says that the error has been dealt with, `next(err)` hands it to the next err step. */
interface ErrStep {
    (err: unknown, req: Req, res: Res, next: Next): unknown;
}
/** An Error that is meant for the client: what `HttpError` makes, and what other libraries make in the same shape. */
interface HttpErrorLike extends Error {
    statusCode: number;
    debug?: unknown;
    details?: unknown;
    headers?: {
        [name: string]: string | number | readonly string[];
    };
    /** True if `message` may be shown to the client. */
    expose?: boolean;
}
/** What a router may find in the `rest` that it is given. Nothing in it is needed. */
interface RestLike {
    reportError?(err: unknown, cause: string): void;
    /** How deep `next()` may nest before a loop takes over, in steps. Default 100. */
    maxNesting?: number | undefined;
}
/**
 * Print a notice by `console.warn`, after a timestamp and the name "microrest". By `console.log` where that is all there is, as in
 * qjs. Silent where there is no console.
 */
declare function warn(...args: unknown[]): void;
interface HttpErrorConstructor {
    new (statusCode?: number, debug?: unknown, details?: unknown): HttpErrorLike;
    (statusCode?: number, debug?: unknown, details?: unknown): HttpErrorLike;
}
/**
 * Make an Error that tells the client its status, and, where given, `debug` and `details`.
 *
 *     throw new HttpError(404, 'no such colour')    //=> 404 {"error":"404","message":"404 Not Found","debug":"no such colour"}
 *
 * Without a status it is 500. The message is the status and its phrase; unknown ones are "777 Internal Error".
 */
declare const HttpError: HttpErrorConstructor;
type Headers = {
    readonly [name: string]: string | number | readonly string[];
};
/** Answer with an error, or with a status and a body: `sendResponse` for those who need no `next`. */
declare function writeResponse(res: HostRes, errOrStatus: unknown, body?: unknown, headers?: Headers | null): void;
/**
 * Answer a request, and go on.
 *
 * A truthy `err` is sent as an error: its `statusCode` (500 if it has none), `debug`, `details` and `headers`. Else
 * `statusCode` (default 200), `headers` and `body`: strings and bytes as they are, undefined as no body, anything else as JSON.
 *
 * Calls `next` with the failure if the headers or the body could not be sent.
 */
declare function sendResponse(_req: HostReq, res: HostRes, next?: Next | null, err?: unknown, statusCode?: number | null, body?: unknown, headers?: Headers | null): void;
/**
 * Parse a query string, or a url-encoded body, into an object of names and values.
 *
 *     parseQuery('a=1&b&c=x&c=y')    //=> { a: '1', b: 1, c: ['x', 'y'] }
 *
 * `+` is a space. Malformed escapes stay literal. Any name is a name, `__proto__` too.
 */
declare function parseQuery(text: string): Query;
/** Options of `buildParseQuery`: none yet. */
interface ParseQueryOptions {
}
/**
 * Build a step that parses the query of `req.url`.
 *
 * It sets `req.query`, `req.path`, and in `req.params` each name that no route parameter has.
 */
declare function buildParseQuery(_options?: ParseQueryOptions): Step;
interface ReadBodyOptions {
    /** The longest body to accept, in bytes. Default 1048576 (1 MiB); `Infinity` for no limit. */
    bodySizeLimit?: number | undefined;
    /** The status for a longer one. Default 400; 413 is the other sensible value. */
    bodySizeStatus?: number | undefined;
}
/** A step that sets `req.body`. Calls `next(err, context, body)`. */
interface ReadBody {
    (req: HostReq, res: HostRes, next: (err?: unknown, context?: unknown, body?: unknown) => void, context?: unknown): unknown;
}
/**
 * Build a step that reads the request's body into `req.body`, or leaves it if that is set already.
 *
 * Bytes become one Buffer, a single chunk without a copy; chunks that are strings become one string. A body over the limit
 * gets a 400 "max body size exceeded" and a closed connection, one that breaks off a 400 "aborted". Throws on a limit that is no
 * number of bytes.
 */
declare function buildReadBody(options?: ReadBodyOptions): ReadBody;
/** The ready-made step of `buildReadBody`, with a limit of 1 MiB. */
declare const mwReadBody: ReadBody;
/** Options that say which paths are the same. */
interface PathOptions {
    /** Take '/a/' and '/a' for the same path. Default false. */
    ignoreTrailingSlash?: boolean | undefined;
    /** Take '/A' and '/a' for the same path. Default false. */
    ignoreCase?: boolean | undefined;
}

/**
 * router: the full router. Routes by method and path pattern, and steps before, around and after them.
 *
 * The second of the core's three modules: it imports mw.ts and nothing else.
 */

interface RouterOptions extends PathOptions, ReadBodyOptions {
    /** What reads the body into `req.body`, called as `(req, res, next)`; `false` reads none. Default as `mw.buildReadBody`. */
    readBody?: Step | false | undefined;
    /** Answer a path that is routed for other methods only with 405 and `Allow`, and OPTIONS with 204. Default false: 404. */
    methodNotAllowed?: boolean | undefined;
}
/** What `routes()` says of a route. */
interface RouteInfo {
    /** The method; `_ANY_` for all. */
    method: string;
    /** The path or pattern as it was defined; of a RegExp its text. */
    path: string;
}
/** A pattern that `getRoute` has matched. */
interface MatchedRoute {
    mw: Step[];
    params: {
        [name: string]: string | undefined;
    };
    path: string | RegExp;
}
/**
 * A router with methods, path parameters and any number of steps.
 *
 *     const app = rest({ router: new Router() })
 *     app.get('/users/:id', (req) => find(req.params.id))
 *
 * Throws, when a route is defined, for a path, method or step that cannot be.
 */
declare class Router {
    readonly options: RouterOptions;
    constructor(options?: RouterOptions);
    /**
     * Define the steps of a route, or add steps to a category.
     *
     *     setRoute('/path/:id', 'GET', step)    setRoute('/path', [step, step])    setRoute('use', step)
     *
     * Without a method it is `_ANY_`. The same method and shape of path again replaces the earlier route.
     */
    setRoute(category: 'err', steps: ErrStep | readonly ErrStep[]): void;
    setRoute(category: 'pre' | 'use' | 'post', steps: Step | readonly Step[]): void;
    setRoute<Path extends string | RegExp>(path: Path, steps: Step<PathParams<Path>> | readonly Step<PathParams<Path>>[]): void;
    setRoute<Path extends string | RegExp>(path: Path, method: string, steps: Step<PathParams<Path>> | readonly Step<PathParams<Path>>[]): void;
    /** Forget the route for a method, or for all methods if none is given; or all steps of a category. */
    deleteRoute(path: string | RegExp, method?: string): void;
    /**
     * Look up what runs for a path: the steps, or for a pattern `{ mw, params, path }`; the steps of a category; else null.
     *
     * The path may be a request's url, query and all. Throws a 400 if it has a malformed escape.
     */
    getRoute(path?: string | null, method?: string): Step[] | MatchedRoute | null;
    /** List the routes in the order of their definition. */
    routes(): RouteInfo[];
    /** Run a request through its route. `callback` is called once, at the end, with the error that no err step dealt with. */
    runRoute(rest: RestLike | undefined, req: HostReq, res: HostRes, callback: (err?: unknown) => void): void;
}

/**
 * microrest: the app. `rest()` makes one, `createServer()` puts it on a port, and the NanoRouter is what it routes with until it
 * is given a Router.
 *
 * The third of the core's three modules: it imports router.ts and mw.ts, and finds `node:http` only when a server is asked for.
 */

/** The middleware helpers, together. */
declare const mw: {
    HttpError: HttpErrorConstructor;
    buildParseQuery: typeof buildParseQuery;
    buildReadBody: typeof buildReadBody;
    mwParseQuery: Step<AnyParams>;
    mwReadBody: ReadBody;
    parseQuery: typeof parseQuery;
    sendResponse: typeof sendResponse;
    warn: typeof warn;
    writeResponse: typeof writeResponse;
};

/** What an app needs of a router. */
interface RouterLike {
    setRoute(path: string | RegExp, method: string, steps: Step[]): void;
    setRoute(category: string, steps: Step | ErrStep | readonly Step[] | readonly ErrStep[]): void;
    runRoute(rest: RestLike, req: HostReq, res: HostRes, callback: (err?: unknown) => void): void;
    getRoute?(path: string): unknown;
    readonly options?: PathOptions;
    /** Every path is a prefix for this router, as for the NanoRouter. Default false. */
    readonly matchPrefix?: boolean;
}
/** Handle a request in place of a router. May answer by `res`, or as short steps do by what it returns. */
type ProcessRequest = (req: Req, res: Res, next: Next, body: unknown) => unknown;
/** Handle an error that nobody has dealt with. */
type OnError = (err: unknown, req: Req, res: Res, next: Next) => unknown;
interface RestOptions extends ReadBodyOptions {
    /** The router to use. Default is `processRequest`, or a NanoRouter as soon as the app is given a route. */
    router?: RouterLike | undefined;
    /** What handles requests when there is no router. */
    processRequest?: ProcessRequest | undefined;
    /** What handles the errors that are left. Default answers with `sendResponse`. */
    onError?: OnError | undefined;
    /** Gets an 'error' event for what is reported; else it goes to `warn`. */
    emitter?: Emitter | undefined;
    /** How deep `next()` may nest before a loop takes over, in steps. Default 100. */
    maxNesting?: number | undefined;
}
interface Emitter {
    emit(event: 'error', err: unknown): unknown;
}
/** A server of `node:http` or `node:https`, as far as it is used here. */
interface Server {
    listen(port: number, host?: string): unknown;
    close(callback?: (err?: Error) => void): unknown;
    closeIdleConnections?(): void;
    address(): unknown;
    on(event: string, listener: Listener): unknown;
    /** The app that is serving. */
    _rest?: App;
    /** The listen error that there was no callback for. */
    _error?: unknown;
}
interface ServerInfo {
    pid: number;
    /** The port that it listens on: the real one where 0 was asked for. */
    port: number;
    server: Server;
}
type ListenCallback = (err: Error | null | undefined, info: ServerInfo) => void;
/** Options of `createServer`. All of them are also handed to `http.createServer` or `https.createServer`. */
interface ServerOptions extends RestOptions {
    /** The app, or the Rest, to serve. Default is a new one of these options. */
    rest?: App | Rest | undefined;
    /** Default 'http:'. */
    protocol?: 'http:' | 'https:' | undefined;
    /** The port to listen on; 0 is any free one. Default is not to listen. */
    port?: number | string | undefined;
    /** The address to listen on. Default is all of them. */
    host?: string | undefined;
    /** If the port is busy try the next one up, to 65535. Default false. */
    tryNextPort?: boolean | undefined;
    /** The same, and without a port any free one. Default false. */
    anyPort?: boolean | undefined;
    [option: string]: unknown;
}
type StepList<Params> = readonly (Step<Params> | readonly Step<Params>[])[];
/** Define a route. Steps, and lists of steps, run in the order given. */
interface DefineRoute {
    <Path extends string | RegExp>(path: Path | readonly Path[], ...steps: StepList<PathParams<Path>>): App;
}
/**
 * Middleware that is typed against node's or express' objects, and err steps of any typing.
 *
 * The second, generic signature of each takes what the first takes. TypeScript derives no parameter types from two signatures
 * of which one is generic, so none of these competes with `Step` to say what an un-annotated `(req) =>` is.
 */
interface Foreign {
    (req: never, res: never, next: Next): unknown;
    <None>(req: never, res: never, next: Next): unknown;
}
interface ForeignErr {
    (err: never, req: never, res: never, next: Next): unknown;
    <None>(err: never, req: never, res: never, next: Next): unknown;
}
/**
 * Says what the parameters of an un-annotated function of four are, by the same rule: one of three or less has two signatures
 * here, hence none, and one of four only the first. Nothing fits it; what it helps to type fits `ForeignErr`.
 */
interface FourParameters extends ErrStep {
    <None>(err: never, req: never, res: never): unknown;
}
/** What `use` takes: a step; by its four parameters an err step; what is to be mounted. */
type UseStep = Step | Foreign | FourParameters | ForeignErr | RouterLike;
/** An app: a listener for requests, with methods that define what it does. */
interface App {
    (req: HostReq, res: HostRes, next?: Next): void;
    readonly rest: Rest;
    /** Handles the errors that are left. */
    onError: OnError;
    /** Add err steps. */
    use(category: 'err', ...steps: readonly (ErrStep | readonly ErrStep[])[]): App;
    /** Add steps to a category. */
    use(category: 'pre' | 'use' | 'post', ...steps: StepList<AnyParams>): App;
    /** Run steps for the paths at and below a prefix only; mount an app or a router there. */
    use(prefix: string, ...steps: readonly (UseStep | readonly UseStep[])[]): App;
    /** Add use steps; a function of four parameters is an err step. */
    use(...steps: readonly (UseStep | readonly UseStep[])[]): App;
    options: DefineRoute;
    get: DefineRoute;
    head: DefineRoute;
    post: DefineRoute;
    put: DefineRoute;
    delete: DefineRoute;
    del: DefineRoute;
    trace: DefineRoute;
    connect: DefineRoute;
    patch: DefineRoute;
    /** Define a route for any method. */
    all: DefineRoute;
    /** Listen. `port` 0, the default, is any free one. The callback gets what went wrong, and where it listens. */
    listen(callback?: ListenCallback): Server;
    listen(portOrOptions: number | string | ServerOptions | undefined, callback?: ListenCallback): Server;
    /** Close what `listen` has opened. Idle connections are closed, busy ones after their answer. */
    close(callback?: (err?: Error) => void): void;
}
/** Report an error that can reach nobody: to the emitter, if there is one, else by `warn`. Nothing for a falsy one. */
declare function reportError(err: unknown, cause: string, emitter?: Emitter): void;
/**
 * The smallest router: one use, err and post step, and routes that are a step for a path and all below it, whatever the method.
 *
 * '/my/path' matches '/my/path/name', and not '/my/pathname'. The longest match wins.
 */
declare class NanoRouter {
    readonly options: PathOptions;
    /** Routes are prefixes. */
    readonly matchPrefix: true;
    constructor(readBody?: ReadBody);
    /**
     * Define the step for a path, or the 'use', 'err' or 'post' step. A step alone is the use step, or with four parameters the err
     * step.
     *
     * Throws for what only a Router has: patterns, RegExps, pre steps, several steps.
     */
    setRoute(path: string | RegExp | Step | ErrStep, method?: unknown, steps?: unknown): void;
    /** The step for a path, or of a category; undefined if there is none. */
    getRoute(path: string): Step | ErrStep | undefined;
    /** Forget the step for a path, or of a category. */
    deleteRoute(path: string): void;
    /** Run a request through its route. What is not routed is answered with 404. */
    runRoute(rest: RestLike | undefined, req: HostReq, res: HostRes, callback: (err?: unknown) => void): void;
}
/** What an app is made of: it has a request routed or processed, and sees to the errors that are left. */
declare class Rest implements RestLike {
    static NanoRouter: typeof NanoRouter;
    static readBody: ReadBody;
    router: RouterLike | undefined;
    processRequest?(req: Req, res: Res, next: Next, body: unknown): unknown;
    emitter: Emitter | undefined;
    maxNesting: number | undefined;
    /** Reads the body, by default as `mw.buildReadBody` with the options given. */
    readBody: ReadBody;
    HttpError: typeof HttpError;
    sendResponse: typeof sendResponse;
    /** The app: a bound listener for requests. */
    readonly onRequest: App;
    constructor(options?: RestOptions);
    /** Handle an error that nobody has dealt with: by the `onError` of the options, else by `sendResponse`. */
    onError(err: unknown, req: Req, res: Res, next: Next): unknown;
    /** Report an error that can reach nobody. */
    reportError(err: unknown, cause: string): void;
}
/**
 * Make a server of `node:http` or `node:https` for an app; if there is a `port`, or `anyPort`, it listens once this has returned.
 *
 * The callback gets the listen error, or null, and `{ pid, port, server }`. Without a callback the error is `server._error`.
 * Throws for a port or protocol that cannot be, and where there is no `node:http`.
 */
declare function createServer(options?: ServerOptions | ListenCallback, callback?: ListenCallback): Server;
/** `rest` itself, and what it carries. */
interface RestFactory {
    (options?: RestOptions | ProcessRequest, onError?: OnError): App;
    createHandler: RestFactory;
    createServer(options?: ServerOptions | ListenCallback, callback?: ListenCallback): Server;
    Rest: typeof Rest;
    NanoRouter: typeof NanoRouter;
    HttpError: HttpErrorConstructor;
    readBody: ReadBody;
    sendResponse(req: HostReq, res: HostRes, next?: Next | null, err?: unknown, statusCode?: number | null, body?: unknown, headers?: Headers | null): void;
    reportError(err: unknown, cause: string, emitter?: Emitter): void;
}
/**
 * Make an app: a listener `(req, res, next)` for requests.
 *
 *     const app = rest()
 *     app.get('/hello', () => 'hi')
 *     app.listen(1337, (err, info) => console.log(err || info.port))
 *
 * Given a function, that handles all requests, and a second one what errors are left.
 */
declare const rest: RestFactory;
declare const createHandler: RestFactory;

export { HttpError, NanoRouter, Rest, Router, createHandler, createServer, rest as default, mw, mwReadBody as readBody, reportError, sendResponse };
export type { AnyParams, App, DefineRoute, Emitter, ErrStep, HostReq, HostRes, HttpErrorLike, ListenCallback, MatchedRoute, Next, OnError, PathOptions, PathParams, ProcessRequest, Query, QueryValue, ReadBody, ReadBodyOptions, Req, Res, RestFactory, RestLike, RestOptions, RouteInfo, RouterLike, RouterOptions, Server, ServerInfo, ServerOptions, Step };
