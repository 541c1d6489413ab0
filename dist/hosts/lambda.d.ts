/*! microrest/lambda 0.7.0, MIT licence, (c) the microrest authors. Generated from hosts/lambda.ts by `npm run build`. */

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

/**
 * embed: how a request gets in where there is no `http` module. A host, such as a C program with an engine in it, hands over plain
 * values and gets plain values back.
 *
 * It makes the `req` and `res` that the core expects, and no more than that. Part of the scripts for small engines, so it imports
 * nothing but types and calls only what the smallest engines have. No timer, no promise: what happens, happens in a call of
 * the host's.
 */

/** An app, or any other listener for requests. */
type EmbedApp = (req: HostReq, res: HostRes) => unknown;

/**
 * lambda: an app as a function in the cloud. One handler for AWS Lambda, behind an API Gateway (REST APIs, and HTTP APIs with either
 * payload format), a function URL or an Application Load Balancer, and for the HTTP triggers of Alibaba Cloud's Function Compute.
 *
 *     export const handler = toLambda(app)
 *
 * Requests come as events, documents in JSON whose kind is known by its shape; the app sees a request as embed.ts makes it. Node is
 * what all of these run, so this may use its Buffer, and its timers.
 */

declare global {
    namespace Microrest {
        interface Extras {
            /** What a function in the cloud was called with. */
            lambda?: LambdaCall;
        }
    }
}
/** What a function in the cloud was called with, for steps. */
interface LambdaCall {
    readonly event: LambdaEvent;
    readonly context: LambdaContext;
}
/** One value for each name; null where there is none. */
type Fields = {
    readonly [name: string]: string | undefined;
} | null | undefined;
/** All values of each name; null where there is none. */
type ListFields = {
    readonly [name: string]: readonly string[] | undefined;
} | null | undefined;
/** What is used here of the events, whatever their kind. The rest is there as well. */
interface LambdaEvent {
    readonly version?: string;
    readonly httpMethod?: string;
    readonly path?: string;
    readonly rawPath?: string;
    readonly rawQueryString?: string;
    readonly queryStringParameters?: Fields;
    readonly multiValueQueryStringParameters?: ListFields;
    readonly queryParameters?: Fields;
    readonly headers?: Fields;
    readonly multiValueHeaders?: ListFields;
    readonly cookies?: readonly string[];
    readonly body?: string | null;
    readonly isBase64Encoded?: boolean;
    readonly requestContext?: LambdaRequestContext;
}
/** What the provider knows of a request. */
interface LambdaRequestContext {
    readonly path?: string;
    readonly stage?: string;
    readonly domainName?: string;
    readonly requestId?: string;
    /** What an authorizer of the provider's has found. */
    readonly authorizer?: unknown;
    readonly identity?: {
        readonly sourceIp?: string;
    };
    readonly http?: {
        readonly method: string;
        readonly sourceIp?: string;
    };
    readonly elb?: object;
}
/** The second argument of a function in the cloud, as far as it is used here or asked for often. The rest is there as well. */
interface LambdaContext {
    getRemainingTimeInMillis?(): number;
    readonly awsRequestId?: string;
    readonly functionName?: string;
    readonly invokedFunctionArn?: string;
    readonly requestId?: string;
    callbackWaitsForEmptyEventLoop?: boolean;
    /** At Function Compute: its configuration; `timeout` is in seconds. */
    readonly function?: {
        readonly timeout?: number;
    };
}
interface LambdaOptions {
    /** What a custom domain puts before the paths of the app, such as '/shop'. `req.baseUrl` has it, `req.url` has not. Default none. */
    basePath?: string | undefined;
    /** The longest that an answer may take, in milliseconds; then it is a 503. Default is as long as the function may run. */
    timeLimit?: number | undefined;
    /** How long before the function is stopped an answer is given up, in milliseconds: for a 503, and for post steps. Default 500. */
    timeMargin?: number | undefined;
    /**
     * Send answers as they are written, where the runtime can do that. Default false, which gathers them.
     *
     * The function URL has to have the invoke mode RESPONSE_STREAM, the integration of a REST API the response transfer mode STREAM. To
     * other events the same handler gives its answers in one piece.
     */
    streaming?: boolean | undefined;
}
/** An answer, in the form that the kind of its event asks for. */
interface LambdaAnswer {
    statusCode: number;
    /** The same with its phrase, for load balancers. */
    statusDescription?: string;
    headers?: {
        [name: string]: string;
    };
    multiValueHeaders?: {
        [name: string]: string[];
    };
    cookies?: string[];
    /** Text, or bytes in base64. */
    body: string;
    isBase64Encoded: boolean;
}
/**
 * What the runtime calls. Rejects for what is no event of a request.
 *
 * (Of a length of two: the newer runtimes refuse what declares a callback.)
 */
type LambdaHandler = (event: unknown, context?: LambdaContext) => Promise<LambdaAnswer>;
/**
 * Make the handler for a function in the cloud.
 *
 * An app that throws, or cuts its answer off, is a 500; one that does not answer in time a 503. The handler returns a promise, and so
 * answers without waiting until there is nothing left to do: `callbackWaitsForEmptyEventLoop` does not matter. Throws on options that
 * cannot be.
 *
 *     export const handler = toLambda(app)
 */
declare function toLambda(app: EmbedApp, options?: LambdaOptions): LambdaHandler;

export { toLambda };
export type { LambdaAnswer, LambdaCall, LambdaContext, LambdaEvent, LambdaHandler, LambdaOptions, LambdaRequestContext };
