import { createWebApp } from '../../../daemon/http-server/web-app.ts';
import { PAGES, serve } from './subject.ts';

await serve(createWebApp(PAGES));
