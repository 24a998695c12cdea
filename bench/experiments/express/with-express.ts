import { createExpressApp } from '../../../daemon/http-server/express-app.ts';
import { PAGES, serve } from './subject.ts';

await serve(createExpressApp(PAGES));
