// Names that Apache 2.4 knows and Headgate does not (yet): so that a message can say which, and
// what to do instead. A name moves out of here when a row takes it. Tables only; see
// known_apache.h.
#include "conf/known_apache.h"

namespace headgate::conf {

namespace {

constexpr KnownNames directives[] = {
    {Support::ignored, "",
     "AcceptFilter AddType BalancerGrowth ContentDigest "
     "EnableExceptionHook EnableMMAP EnableSendfile ExtendedStatus FileETag ForceType "
     "H2CopyFiles H2MaxWorkerIdleSeconds H2MaxWorkers H2MinWorkers H2Push H2PushDiarySize "
     "H2PushPriority H2PushResource H2SerializeHeaders H2SessionExtraFiles LoadFile "
     "MaxMemFree MaxRangeOverlaps MaxRangeReversals MaxRanges Mutex NameVirtualHost "
     "ProxyAsyncDelay ProxyHCTPsize ProxyWebsocketAsync ProxyWebsocketAsyncDelay ScoreBoardFile "
     "SeeRequestTail SSLCryptoDevice SSLRandomSeed "
     "SSLRenegBufferSize SSLStaplingCache SSLStaplingErrorCacheTimeout SSLStaplingFakeTryLater "
     "SSLStaplingForceURL SSLStaplingResponderTimeout SSLStaplingResponseMaxAge "
     "SSLStaplingResponseTimeSkew SSLStaplingReturnResponderErrors "
     "SSLStaplingStandardCacheTimeout TypesConfig"},
    {Support::not_yet, "content filters: not yet",
     "AddDefaultCharset AddOutputFilterByType BrotliAlterETag "
     "BrotliCompressionMaxInputBlock BrotliCompressionQuality BrotliCompressionWindow "
     "BrotliFilterNote BufferSize CharsetDefault CharsetOptions CharsetSourceEnc "
     "DeflateAlterEtag DeflateBufferSize DeflateCompressionLevel DeflateFilterNote "
     "DeflateInflateLimitRequestBody DeflateInflateRatioBurst DeflateInflateRatioLimit "
     "DeflateMemLevel DeflateWindowSize ExtFilterDefine ExtFilterOptions FilterChain "
     "FilterDeclare FilterProtocol FilterProvider FilterTrace InputSed OutputSed "
     "ProxyHTMLBufSize ProxyHTMLCharsetOut ProxyHTMLDoctype ProxyHTMLEnable "
     "ProxyHTMLEvents ProxyHTMLExtended ProxyHTMLFixups ProxyHTMLInterp ProxyHTMLLinks "
     "ProxyHTMLMeta ProxyHTMLStripComments ProxyHTMLURLMap ReflectorHeader SetInputFilter "
     "SetOutputFilter Substitute SubstituteInheritBefore SubstituteMaxLineLength "
     "xml2EncAlias xml2EncDefault xml2StartParse"},
    {Support::not_yet, "serving files: not yet; Headgate is a proxy",
     "AcceptPathInfo AccessFileName AddAlt AddAltByEncoding AddAltByType AddCharset "
     "AddDescription AddEncoding AddHandler AddIcon AddIconByEncoding AddIconByType "
     "AddInputFilter AddLanguage AddOutputFilter AllowOverride AllowOverrideList "
     "CacheNegotiatedDocs CheckBasenameMatch CheckCaseOnly CheckSpelling DefaultIcon "
     "DefaultLanguage DefaultType DirectoryCheckHandler DirectoryIndex "
     "DirectoryIndexRedirect DirectorySlash DocumentRoot FallbackResource FancyIndexing "
     "ForceLanguagePriority HeaderName ImapBase ImapDefault ImapMenu IndexHeadInsert "
     "IndexIgnore IndexIgnoreReset IndexOptions IndexOrderDefault IndexStyleSheet "
     "LanguagePriority MetaDir MetaFiles MetaSuffix MimeMagicFile ModMimeUsePathInfo "
     "MultiviewsMatch Options ReadmeName RemoveCharset RemoveEncoding RemoveHandler "
     "RemoveInputFilter RemoveLanguage RemoveOutputFilter RemoveType UserDir "
     "VirtualDocumentRoot VirtualDocumentRootIP VirtualScriptAlias VirtualScriptAliasIP"},
    {Support::not_yet, "not yet",
     "AddModuleInfo ChrootDir CookieDomain CookieExpires "
     "CookieHttpOnly CookieName CookieSameSite CookieSecure CookieStyle CookieTracking "
     "DefaultRuntimeDir DumpIOInput DumpIOOutput ErrorLogFormat FlushMaxPipelined "
     "FlushMaxThreshold HeartbeatAddress HeartbeatListen HeartbeatMaxServers "
     "HeartbeatStorage IdentityCheck IdentityCheckTimeout KeptBodySize "
     "LimitInternalRecursion LimitXMLRequestBody ListenTCPDeferAccept "
     "MergeTrailers ModemStandard Port Protocol QualifyRedirectURL ReadBufferSize "
     "RegexDefaultOptions RegisterHttpMethod ServerPath ServerTokens StrictHostCheck "
     "WatchdogInterval"},
    {Support::not_yet,
     "running programs is not what Headgate does; ProxyPass to a server of the application",
     "Action CGIDScriptTimeout CGIPassAuth CGIScriptTimeout CGIVar DAV DAVBasePath "
     "DAVDepthInfinity DAVGenericLockDB DAVLockDB DAVLockDiscovery DAVMinTimeout "
     "DBDExptime DBDInitSQL DBDKeep DBDMax DBDMin DBDParams DBDPersist DBDPrepareSQL "
     "DBDriver LuaAuthzProvider LuaCodeCache LuaHookAccessChecker LuaHookAuthChecker "
     "LuaHookCheckUserID LuaHookFixups LuaHookInsertFilter LuaHookLog LuaHookMapToStorage "
     "LuaHookPreTranslateName LuaHookTranslateName LuaHookTypeChecker LuaInherit "
     "LuaInputFilter LuaMapHandler LuaOutputFilter LuaPackageCPath LuaPackagePath "
     "LuaQuickHandler LuaRoot LuaScope ProtocolEcho RLimitCPU RLimitMEM RLimitNPROC "
     "Script ScriptLog ScriptLogBuffer ScriptLogLength ScriptSock SSIEndTag SSIErrorMsg "
     "SSIEtag SSILastModified SSILegacyExprParser SSIStartTag SSITimeFormat "
     "SSIUndefinedEcho Suexec SuexecUserGroup XBitHack"},
    {Support::not_yet, "this log: not yet; CustomLog and ErrorLog work",
     "BufferedLogs ForensicLog GlobalLog LogIOTrackTTFB LogMessage"},
    {Support::not_yet, "authentication: not yet",
     "Anonymous Anonymous_LogEmail Anonymous_MustGiveEmail Anonymous_NoUserID "
     "Anonymous_VerifyEmail AuthBasicAuthoritative AuthBasicFake AuthBasicProvider "
     "AuthBasicUseDigestAlgorithm AuthDBDUserPWQuery AuthDBDUserRealmQuery AuthDBMType "
     "AuthDBMUserFile AuthDigestAlgorithm AuthDigestDomain AuthDigestNcCheck "
     "AuthDigestNonceLifetime AuthDigestProvider AuthDigestQop AuthDigestShmemSize "
     "AuthFormAuthoritative AuthFormBody AuthFormDisableNoStore AuthFormFakeBasicAuth "
     "AuthFormLocation AuthFormLoginRequiredLocation AuthFormLoginSuccessLocation "
     "AuthFormLogoutLocation AuthFormMethod AuthFormMimetype AuthFormPassword "
     "AuthFormProvider AuthFormSitePassphrase AuthFormSize AuthFormUsername "
     "AuthLDAPAuthorizePrefix AuthLDAPBindAuthoritative AuthLDAPBindDN "
     "AuthLDAPBindPassword AuthLDAPCharsetConfig AuthLDAPCompareAsUser "
     "AuthLDAPCompareDNOnServer AuthLDAPDereferenceAliases AuthLDAPGroupAttribute "
     "AuthLDAPGroupAttributeIsDN AuthLDAPInitialBindAsUser AuthLDAPInitialBindPattern "
     "AuthLDAPMaxSubGroupDepth AuthLDAPRemoteUserAttribute AuthLDAPRemoteUserIsDN "
     "AuthLDAPSearchAsUser AuthLDAPSubGroupAttribute AuthLDAPSubGroupClass AuthLDAPURL "
     "AuthName AuthnCacheContext AuthnCacheEnable AuthnCacheProvideFor AuthnCacheSOCache "
     "AuthnCacheTimeout AuthnzFcgiCheckAuthnProvider AuthnzFcgiDefineProvider AuthType "
     "AuthUserFile LDAPCacheEntries LDAPCacheTTL LDAPConnectionPoolTTL "
     "LDAPConnectionTimeout LDAPLibraryDebug LDAPOpCacheEntries LDAPOpCacheTTL "
     "LDAPReferralHopLimit LDAPReferrals LDAPRetries LDAPRetryDelay LDAPSharedCacheFile "
     "LDAPSharedCacheSize LDAPTimeout LDAPTrustedClientCert LDAPTrustedGlobalCert "
     "LDAPTrustedMode LDAPVerifyServerCert Session SessionCookieName SessionCookieName2 "
     "SessionCookieRemove SessionCryptoCipher SessionCryptoDriver SessionCryptoPassphrase "
     "SessionCryptoPassphraseFile SessionDBDCookieName SessionDBDCookieName2 "
     "SessionDBDCookieRemove SessionDBDDeleteLabel SessionDBDInsertLabel "
     "SessionDBDPerUser SessionDBDSelectLabel SessionDBDUpdateLabel SessionEnv "
     "SessionExclude SessionExpiryUpdateInterval SessionHeader SessionInclude "
     "SessionMaxAge"},
    {Support::not_yet,
     "access control: not yet; a rule that is not enforced must not look as if it were",
     "Allow AllowMethods AuthDBMGroupFile AuthGroupFile AuthMerging "
     "AuthzDBDLoginToReferer AuthzDBDQuery AuthzDBDRedirectQuery AuthzDBMType "
     "AuthzSendForbiddenOnFailure Deny Order Require Satisfy"},
    {Support::not_yet, "caching: not yet",
     "CacheDefaultExpire CacheDetailHeader CacheDirLength CacheDirLevels CacheDisable "
     "CacheEnable CacheFile CacheHeader CacheIgnoreCacheControl CacheIgnoreHeaders "
     "CacheIgnoreNoLastMod CacheIgnoreQueryString CacheIgnoreURLSessionIdentifiers "
     "CacheKeyBaseURL CacheLastModifiedFactor CacheLock CacheLockMaxAge CacheLockPath "
     "CacheMaxExpire CacheMaxFileSize CacheMinExpire CacheMinFileSize CacheQuickHandler "
     "CacheReadSize CacheReadTime CacheRoot CacheSocache CacheSocacheMaxSize "
     "CacheSocacheMaxTime CacheSocacheMinTime CacheSocacheReadSize CacheSocacheReadTime "
     "CacheStaleOnError CacheStoreExpired CacheStoreNoStore CacheStorePrivate "
     "ExpiresActive ExpiresByType ExpiresDefault MemcacheConnTTL MMapFile "
     "RedisConnPoolTTL RedisTimeout"},
    {Support::not_yet, "HTTP/2: not yet",
     "H2Direct H2EarlyHints H2MaxDataFrameLen H2MaxHeaderBlockLen H2MaxSessionStreams "
     "H2MaxStreamErrors H2ModernTLSOnly H2OutputBuffering H2Padding H2ProxyRequests "
     "H2StreamMaxMemSize H2StreamTimeout H2TLSCoolDownSecs H2TLSWarmUpSize H2Upgrade "
     "H2WebSockets H2WindowSize"},
    {Support::not_yet, "this part of proxying: not yet",
     "AllowCONNECT NoProxy "
     "ProxyBadHeader ProxyBlock ProxyDomain ProxyExpressDBMFile ProxyExpressDBMType "
     "ProxyExpressEnable ProxyFCGIBackendType ProxyFCGISetEnvIf ProxyFtpDirCharset "
     "ProxyFtpEscapeWildcards ProxyFtpListOnWildcard ProxyHCExpr ProxyHCTemplate "
     "ProxyIOBufferSize ProxyMaxForwards ProxyPassReverseCookieDomain "
     "ProxyPassReverseCookiePath ProxyReceiveBufferSize ProxyRemote ProxyRemoteMatch "
     "ProxySCGIInternalRedirect ProxySCGISendfile ProxySourceAddress"},
    {Support::not_yet, "balancers: not yet; one ProxyPass to one upstream works",
     "BalancerInherit BalancerMember BalancerPersist"},
    {Support::not_yet, "environment variables of requests: not yet",
     "BrowserMatch BrowserMatchNoCase PassEnv SetEnv SetEnvIf SetEnvIfExpr SetEnvIfNoCase "
     "UnsetEnv"},
    {Support::not_yet, "rewriting and redirecting: not yet; ProxyPassMatch may do",
     "Alias AliasMatch AliasPreservePath Redirect RedirectMatch RedirectPermanent "
     "RedirectRelative RedirectTemp RewriteBase RewriteCond RewriteEngine RewriteMap "
     "RewriteOptions RewriteRule ScriptAlias ScriptAliasMatch"},
    {Support::not_yet, "macros: not yet; Define and Include may do",
     "MacroIgnoreBadNesting MacroIgnoreEmptyArgs UndefMacro Use"},
    {Support::not_yet, "certificates by ACME: not yet",
     "MDActivationDelay MDBaseServer MDCACertificateFile MDCAChallenges "
     "MDCertificateAgreement MDCertificateAuthority MDCertificateCheck MDCertificateFile "
     "MDCertificateKeyFile MDCertificateProtocol MDCertificateStatus MDChallengeDns01 "
     "MDChallengeDns01Version MDCheckInterval MDContactEmail MDDriveMode "
     "MDExternalAccountBinding MDHttpProxy MDHttpProxyCACertificateFile MDInitialDelay "
     "MDMatchNames MDMember MDMembers MDMessageCmd MDMustStaple MDNotifyCmd MDomain "
     "MDPortMap MDPrivateKeys MDProfile MDProfileMandatory MDRenewMode MDRenewViaARI "
     "MDRenewWindow MDRequireHttps MDRetryDelay MDRetryFailover MDServerStatus "
     "MDStapleOthers MDStapling MDStaplingKeepResponse MDStaplingRenewWindow MDStoreDir "
     "MDStoreLocks MDWarnWindow"},
    {Support::not_yet, "this part of TLS: not yet",
     "SSLLog SSLLogLevel SSLOCSPDefaultResponder SSLOCSPEnable "
     "SSLOCSPNoVerify SSLOCSPOverrideResponder SSLOCSPProxyURL "
     "SSLOCSPResponderCertificateFile SSLOCSPResponderTimeout SSLOCSPResponseMaxAge "
     "SSLOCSPResponseTimeSkew SSLOCSPUseRequestNonce "
     "SSLRequire SSLSRPUnknownUserSeed SSLSRPVerifierFile"},
};

constexpr KnownNames sections[] = {
    {Support::not_yet, "files are not served here; <Location> and <Proxy> may do",
     "Directory DirectoryMatch Files FilesMatch"},
    {Support::not_yet,
     "access control: not yet; a rule that is not enforced must not look as if it were",
     "AuthzProviderAlias Limit LimitExcept RequireAll RequireAny RequireNone"},
    {Support::not_yet, "expressions: not yet; <Location> may do", "Else ElseIf If"},
    {Support::not_yet, "authentication: not yet", "AuthnProviderAlias"},
    {Support::not_yet, "write <Proxy> with a plain URL", "ProxyMatch"},
    {Support::not_yet,
     "running programs is not what Headgate does; ProxyPass to a server of the application",
     "LuaHookAccessChecker LuaHookAuthChecker LuaHookCheckUserID LuaHookFixups "
     "LuaHookMapToStorage LuaHookPreTranslateName LuaHookTranslateName LuaHookTypeChecker "
     "LuaQuickHandler"},
    {Support::not_yet, "macros: not yet; Define and Include may do", "Macro"},
    {Support::not_yet, "certificates by ACME: not yet", "MDomain MDomainSet"},
};

constexpr std::string_view built_in_modules =
    "core http so unixd version log_config headers proxy proxy_http ssl mpm_event mpm_prefork "
    "mpm_worker";

constexpr std::string_view other_modules =
    "access_compat actions alias allowmethods asis auth_basic auth_digest auth_form "
    "authn_anon authn_core authn_dbd authn_dbm authn_file authn_socache authnz_fcgi "
    "authnz_ldap authz_core authz_dbd authz_dbm authz_groupfile authz_host authz_owner "
    "authz_user autoindex brotli buffer cache cache_disk cache_socache cern_meta cgi "
    "cgid charset_lite data dav dav_fs dav_lock dbd deflate dialup dir dumpio echo env "
    "expires ext_filter file_cache filter heartbeat heartmonitor http2 ident imagemap "
    "include info lbmethod_bybusyness lbmethod_byrequests lbmethod_bytraffic "
    "lbmethod_heartbeat ldap log_debug log_forensic logio lua macro md mime mime_magic "
    "negotiation proxy_ajp proxy_balancer proxy_connect proxy_express proxy_fcgi "
    "proxy_fdpass proxy_ftp proxy_hcheck proxy_html proxy_http2 proxy_scgi proxy_uwsgi "
    "proxy_wstunnel ratelimit reflector remoteip reqtimeout request rewrite sed session "
    "session_cookie session_crypto session_dbd setenvif slotmem_plain slotmem_shm "
    "socache_dbm socache_memcache socache_redis socache_shmcb speling status "
    "substitute suexec unique_id userdir usertrack vhost_alias watchdog xml2enc";

}  // namespace

std::span<const KnownNames> known_directives() {
    return directives;
}
std::span<const KnownNames> known_sections() {
    return sections;
}
std::string_view names_of_built_in_modules() {
    return built_in_modules;
}
std::string_view names_of_other_modules() {
    return other_modules;
}

}  // namespace headgate::conf
