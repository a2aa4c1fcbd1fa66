PRAGMA application_id = 1819767925;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE document (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    words INTEGER NOT NULL,
    language TEXT NOT NULL,
    mode TEXT NOT NULL,
    model TEXT NOT NULL,
    seed INTEGER,
    title TEXT NOT NULL,
    created REAL NOT NULL,
    changed REAL NOT NULL,
    prompt_tokens INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0,
    cached_tokens INTEGER NOT NULL DEFAULT 0,
    instruction TEXT NOT NULL
) STRICT;
INSERT INTO "document" VALUES(1,300,'en','agentwrite','demo',7,'Tea',1.79555988501831984517e+09,1.79555988504533028601e+09,100,12,40,'Write about tea');
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    section_id TEXT NOT NULL REFERENCES stream(section_id) ON DELETE CASCADE,
    keep INTEGER,
    text TEXT NOT NULL
) STRICT;
INSERT INTO "journal" VALUES(1,'water001',0,'');
INSERT INTO "journal" VALUES(2,'water001',NULL,'Water boils. 水沸腾了。');
CREATE TABLE plan_step (
    id INTEGER PRIMARY KEY,
    created REAL NOT NULL,
    label TEXT NOT NULL,
    before TEXT NOT NULL
) STRICT;
INSERT INTO "plan_step" VALUES(1,1.79555988504073548318e+09,'Move “Water”','["[\"Tea\", [[\"leaf0001\", \"Leaf\", \"where the leaf grows; and how it is picked\", 120], [\"water001\", \"Water\", \"how hot, and how long\", 80], [\"cup00001\", \"Cup\", \"what to drink it from\", 100]]]", []]');
INSERT INTO "plan_step" VALUES(2,1.79555988504149460793e+09,'Delete “Cup”','["[\"Tea\", [[\"water001\", \"Water\", \"how hot, and how long\", 80], [\"leaf0001\", \"Leaf\", \"where the leaf grows; and how it is picked\", 120], [\"cup00001\", \"Cup\", \"what to drink it from\", 100]]]", []]');
CREATE TABLE revision (
    id INTEGER PRIMARY KEY,
    section_id TEXT NOT NULL REFERENCES section(id),
    created REAL NOT NULL,
    origin TEXT NOT NULL,
    status TEXT NOT NULL,
    length INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0,
    cached_tokens INTEGER NOT NULL DEFAULT 0,
    provenance TEXT,
    text TEXT NOT NULL
) STRICT;
INSERT INTO "revision" VALUES(1,'leaf0001',1.79555988503804349895e+09,'model','done',10,100,12,40,'{"model": "demo", "model_hash": "abababababababababababababababababababababababababababababababab", "sampling": {"temperature": 0.8}, "prompt_hash": "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd", "seed": 11}','The leaf grows on hills. It is picked by hand.');
INSERT INTO "revision" VALUES(2,'leaf0001',1.79555988503973364828e+09,'user','done',11,0,0,0,NULL,'The leaf grows on high hills. It is picked by hand.');
CREATE TABLE section (
    id TEXT PRIMARY KEY,
    position INTEGER,
    words INTEGER NOT NULL,
    status TEXT NOT NULL,
    revision INTEGER REFERENCES revision(id),
    title TEXT NOT NULL,
    main_point TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "section" VALUES('cup00001',NULL,100,'empty',NULL,'Cup','what to drink it from');
INSERT INTO "section" VALUES('leaf0001',1,120,'done',2,'Leaf','where the leaf grows; and how it is picked');
INSERT INTO "section" VALUES('water001',0,80,'empty',NULL,'Water','how hot, and how long');
CREATE TABLE stream (
    section_id TEXT PRIMARY KEY REFERENCES section(id),
    length INTEGER NOT NULL,
    provenance TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "stream" VALUES('water001',6,'{"model": "demo", "model_hash": "abababababababababababababababababababababababababababababababab", "sampling": {"temperature": 0.8}, "prompt_hash": "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd", "seed": 11}');
CREATE INDEX revision_of_section ON revision(section_id, id);
CREATE INDEX journal_of_section ON journal(section_id, id);
COMMIT;
